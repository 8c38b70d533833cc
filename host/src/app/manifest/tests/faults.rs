//! The words for each fault, and its place.

use super::*;

#[test]
fn unknown_key_names_the_nearest() {
    assert_eq!(
        error_with("isolaton = \"shared\""),
        "sessile.toml:8:1: unknown key 'isolaton' in [handlers.chat]; did you mean 'isolation'? \
         allowed: component, build, sources, export, isolation, overflow, deflate, \
         auto_response, resume_s, autosave, limits, config, grants"
    );
    assert_eq!(
        error_with("[handlers.chat.limits]\n  cpu = 5"),
        "sessile.toml:9:3: unknown key 'cpu' in [handlers.chat.limits]; allowed: message_bytes_max, \
         memory_bytes_max, outbox_bytes_max, outbox_messages_max, \
         in_flight_max, cpu_ms, deadline_ms, outbound_ms, messages_per_s"
    );
    assert_eq!(
        error_with("[sesion]\ncookie = \"a\""),
        "sessile.toml:8:2: unknown key 'sesion' at the top level; did you mean 'session'? \
         allowed: app, routes, handlers, alarms, session, cors, http, rollback, groups"
    );
    assert!(error_with("'a\\nb' = 1").contains("unknown key 'a\\\\nb'"));
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn bad_value_names_what_is_allowed() {
    let table = [
        (
            "isolation = \"connexion\"",
            "8:13: bad value \"connexion\" for 'isolation' in [handlers.chat]; did you mean 'connection'? allowed: connection, shared, event",
        ),
        ("isolation = 1", "8:13: bad value 1 for 'isolation' in [handlers.chat]; allowed: connection, shared, event"),
        (
            "export = \"http\"",
            "8:10: bad value \"http\" for 'export' in [handlers.chat]; allowed: websocket-handler, websocket-events, http-handler, \
             wasi:http/incoming-handler, wasi:http/handler",
        ),
        ("build = \" \"", "8:9: bad value \" \" for 'build' in [handlers.chat]; allowed: a command"),
        (
            "build = \"make\"\nsources = [\"../x\"]",
            "9:12: bad value \"../x\" for 'sources' in [handlers.chat]; allowed: a folder or file within the app's folder, such as \"src\"",
        ),
        (
            "sources = [\"src\"]",
            "8:11: bad value [array] for 'sources' in [handlers.chat]; they are those of a 'build'",
        ),
        ("limits = 3", "8:10: bad value 3 for 'limits' in [handlers.chat]; allowed: a table"),
        (
            "limits.message_bytes_max = 16777217",
            "8:28: bad value 16777217 for 'message_bytes_max' in [handlers.chat.limits]; allowed: an integer from 1 to 16777216",
        ),
        (
            "limits.cpu_ms = 0",
            "8:17: bad value 0 for 'cpu_ms' in [handlers.chat.limits]; allowed: an integer from 1 to 60000",
        ),
        (
            "limits.deadline_ms = -1",
            "8:22: bad value -1 for 'deadline_ms' in [handlers.chat.limits]; allowed: an integer from 1 to 3600000",
        ),
        (
            "limits.cpu_ms = 1.5",
            "8:17: bad value 1.5 for 'cpu_ms' in [handlers.chat.limits]; allowed: an integer from 1 to 60000",
        ),
        (
            "limits.memory_bytes_max = 0xffff",
            "8:27: bad value 0xffff for 'memory_bytes_max' in [handlers.chat.limits]; allowed: an integer from 65536 to 1073741824",
        ),
        ("config.a = 1", "8:12: bad value 1 for 'a' in [handlers.chat.config]; allowed: a string"),
        (
            "grants.env = \"A\"",
            "8:14: bad value \"A\" for 'env' in [handlers.chat.grants]; allowed: an array of strings",
        ),
        (
            "grants.env = [\"A\", \"A=B\"]",
            "8:20: bad value \"A=B\" for 'env' in [handlers.chat.grants]; allowed: the name of an environment variable: letters, digits and '_'",
        ),
        (
            "grants.outbound = [\"api.example.com/v1\"]",
            "8:20: bad value \"api.example.com/v1\" for 'outbound' in [handlers.chat.grants]; allowed: a host such as \
             \"api.example.com\" (https), \"https://api.example.com:8443\", \"http://api.example.com\" or \
             \"*.example.com\" (one label); no path, no user",
        ),
        (
            "grants.outbound_private = [\"http://0.0.0.0\"]",
            "8:28: bad value \"http://0.0.0.0\" for 'outbound_private' in [handlers.chat.grants]; this address is \
             multicast, reserved or otherwise no host's",
        ),
        ("grants.env = [1]", "8:15: bad value 1 for 'env' in [handlers.chat.grants]; allowed: a string"),
        ("resume_s = 601", "8:12: bad value 601 for 'resume_s' in [handlers.chat]; allowed: an integer from 0 to 600"),
        ("deflate = \"yes\"", "8:11: bad value \"yes\" for 'deflate' in [handlers.chat]; allowed: true, false"),
        ("[session]\nhttp_only = 1", "9:13: bad value 1 for 'http_only' in [session]; allowed: true, false"),
        (
            "[session]\ncookie = \"a b\"",
            "9:10: bad value \"a b\" for 'cookie' in [session]; allowed: 1 to 64 letters, digits and any of !#$%&'*+-.^_`|~",
        ),
        (
            "[session]\ndomain = \".x.example\"",
            "9:10: bad value \".x.example\" for 'domain' in [session]; allowed: a host name such as x.example, without a leading dot or a port",
        ),
        (
            "[session]\npath = \"app\"",
            "9:8: bad value \"app\" for 'path' in [session]; allowed: '/', then printable ASCII without ';'",
        ),
        (
            "[session]\nsecure = \"allways\"",
            "9:10: bad value \"allways\" for 'secure' in [session]; did you mean 'always'? allowed: auto, always, never",
        ),
        (
            "[session]\nmax_age_s = 34560001",
            "9:13: bad value 34560001 for 'max_age_s' in [session]; allowed: an integer from 0 to 34560000",
        ),
    ];
    for (more, expected) in table {
        assert_eq!(error_with(more), format!("sessile.toml:{expected}"));
    }
}

#[test]
fn route_has_one_target_that_makes_sense() {
    let table = [
        ("path = \"/a\"", "missing key 'handler'"),
        ("path = \"/a\"\nfiles = \"a\"\nredirect = \"/b\"", "a route has one of 'handler', 'files' and 'redirect'"),
        ("path = \"/a\"\nfiles = \"../a\"", "within the app's folder"),
        ("path = \"/a\"\nfiles = \"/etc\"", "within the app's folder"),
        ("path = \"/a\"\nredirect = \"b\"", "allowed: a path such as \"/new/{name}\", or a URL"),
        ("path = \"/{a}\"\nredirect = \"/{b}\"", "{name} stands for a parameter of the route's path"),
        ("path = \"/a\"\nredirect = \"/b\"\nstatus = 304", "allowed: 301, 302, 303, 307, 308"),
        ("path = \"/a\"\nfiles = \"b\"\nstatus = 301", "only a 'redirect' has a status here"),
    ];
    for (route, expected) in table {
        let error = error_with(&format!("[[routes]]\n{route}"));
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn times_of_http_are_whole_seconds_up_to_an_hour() {
    for wrong in ["head_s = 0", "idle_s = 3601", "body_s = \"10\"", "idle_s = 1.5"] {
        assert!(error_with(&format!("[http]\n{wrong}")).contains("1 to 3600"), "{wrong}");
    }
    assert!(error_with("[http]\nheads = 1").contains("head_s"));
}

#[test]
fn cors_names_origins_and_no_cookies_for_all() {
    assert!(error_with("[cors]\nmethods = [\"GET\"]").contains("missing key 'origins'"));
    assert!(error_with("[cors]\norigins = [\"*\"]\ncredentials = true").contains("name them"));
    assert!(error_with("[cors]\norigins = [\"*\"]\nmethods = [\"G T\"]").contains("the name of a method or header"));
    assert!(error_with("[cors]\norigins = [\"app.example\"]").contains("'origins'"));
}

#[test]
fn cookie_that_browsers_would_drop_is_refused() {
    let table = [
        "cookie = \"__Host-s\"\nsecure = \"never\"",
        "cookie = \"__host-s\"\npath = \"/a\"",
        "cookie = \"__Host-s\"\ndomain = \"x.example\"",
        "cookie = \"__Secure-s\"\nsecure = \"never\"",
        "same_site = \"none\"\nsecure = \"never\"",
    ];
    for more in table {
        let error = error_with(&format!("[session]\n{more}"));
        assert!(error.starts_with("sessile.toml:9:") && error.contains("browsers take"), "{error}");
    }
    assert!(parse(&format!("{MINIMAL}[session]\ncookie = \"__Host-s\"")).is_ok());
}

#[test]
fn app_is_checked() {
    let with = |app: &str| error(&MINIMAL.replace("name = \"chat\"", app));
    for name in ["", "Chat", "a_b", &"a".repeat(65)] {
        let error = with(&format!("name = \"{name}\""));
        assert!(error.ends_with("for 'name' in [app]; allowed: 1 to 64 of a-z, 0-9 and '-'"), "{error}");
    }
    assert_eq!(with(""), "sessile.toml:1:1: missing key 'name' in [app]; allowed: 1 to 64 of a-z, 0-9 and '-'");
    assert_eq!(
        with("name = \"a\"\nallowed_origins = [\"https://a.example\", \"https://a.example/\"]"),
        "sessile.toml:3:41: bad value \"https://a.example/\" for 'allowed_origins' in [app]; an \
         origin is scheme://host or scheme://host:port, without path, wildcard or user"
    );
    let headless = MINIMAL.replace("[app]\nname = \"chat\"\n", "");
    assert!(error(&headless).starts_with("sessile.toml:1:1: missing key 'name' in [app]"));
}

#[test]
fn routes_are_checked() {
    let with = |routes: &str| errors(&MINIMAL.replace("[handlers", &format!("{routes}\n[handlers")));
    assert_eq!(
        with("[[routes]]\npath = \"/a\"\nhandler = \"chta\""),
        ["sessile.toml:8:11: unknown handler \"chta\" for 'handler' in [[routes]]; did you mean \
          'chat'? allowed: chat"]
    );
    assert_eq!(
        with("[[routes]]\npath = \"/rooms/{id}\"\nhandler = \"chat\""),
        ["sessile.toml:7:8: route \"/rooms/{id}\" matches the same paths as the route on line 4; \
          allowed: one route for a path"]
    );
    assert_eq!(
        with("[[routes]]\npath = \"rooms\"\nhandler = \"chat\""),
        ["sessile.toml:7:8: bad value \"rooms\" for 'path' in [[routes]]; a path begins with '/'"]
    );
    assert_eq!(
        with("[[routes]]"),
        [
            "sessile.toml:6:1: missing key 'path' in [[routes]]; allowed: a path such as \"/rooms/{room}\"",
            "sessile.toml:6:1: missing key 'handler' in [[routes]]; allowed: the name of a [handlers.NAME]",
        ]
    );
    let none = error("[app]\nname = \"a\"\n");
    assert!(none.starts_with("sessile.toml:1:1: no routes; at least one [[routes]]"), "{none}");
    let table = errors("routes = 3\n[app]\nname = \"a\"\n").remove(1);
    assert!(table.ends_with("allowed: tables, each under [[routes]]"), "{table}");
}

#[test]
fn handlers_are_checked() {
    assert_eq!(
        error_with("[handlers.site]\ncomponent = \"a.wasm\""),
        "sessile.toml:8:11: handler \"site\" is used by no route and no alarm; add a [[routes]] with handler = \
         \"site\", or remove it"
    );
    let missing = error(&MINIMAL.replace("component = \"chat.wasm\"", ""));
    assert_eq!(
        missing,
        "sessile.toml:6:11: missing key 'component' in [handlers.chat]; allowed: the path of a component"
    );
    let named = error(
        &MINIMAL.replace("handler = \"chat\"", "handler = \"A b\"").replace("[handlers.chat]", "[handlers.\"A b\"]"),
    );
    assert_eq!(
        named,
        "sessile.toml:6:11: bad value \"A b\" for 'NAME' in [handlers.NAME]; allowed: 1 to 64 of \
         a-z, 0-9, '-' and '_'"
    );
    let without = error(&MINIMAL[..MINIMAL.find("[handlers").unwrap()]);
    assert!(without.ends_with("allowed: the name of a [handlers.NAME], and there is none"), "{without}");
}

#[test]
fn all_faults_are_told_in_the_order_of_the_text() {
    let text =
        MINIMAL.replace("chat.wasm\"", "chat.wasm\"\nexprt = 1\nisolation = 2").replace("\"chat\"\n[[", "\"C\"\n[[");
    let lines: Vec<_> = parse(&text).unwrap_err().faults.iter().map(|fault| fault.line).collect();
    assert_eq!(lines, [2, 8, 9]);
    let many: String = (0..25).map(|n| format!("k{n} = 1\n")).collect();
    let shown = errors(&format!("{MINIMAL}{many}"));
    assert_eq!((shown.len(), shown[20].as_str()), (21, "sessile.toml: and 5 more"));
}

#[test]
fn text_that_is_not_toml_is_refused_with_its_place() {
    let broken = error("[app]\nname = \"é\" x\n");
    assert!(broken.starts_with("sessile.toml:2:12: not TOML: "), "{broken}");
    let twice = error("[app]\nname = \"a\"\nname = \"b\"\n");
    assert!(twice.starts_with("sessile.toml:3:1: not TOML: duplicate key"), "{twice}");
}

#[test]
fn manifest_is_bounded() {
    let text = format!("{MINIMAL}#{}", "x".repeat(limits::MANIFEST_BYTES_MAX));
    assert!(error(&text).starts_with("sessile.toml:1:1: a manifest of "));
    let long = error_with(&format!("isolation = \"{}\"", "é".repeat(1000)));
    assert!(long.chars().count() < 300, "{long}");
}

#[test]
fn nesting_without_end_is_refused() {
    let depth = 60_000;
    let texts = [
        format!("a = {}", "[".repeat(depth)),
        format!("a = {}", "{b=".repeat(depth)),
        format!("{}a = 1", "a.".repeat(depth)),
        format!("[{}a]", "a.".repeat(depth)),
        format!("[[{}a]]", "a.".repeat(depth)),
        format!("[[{}a]]", "routes.".repeat(30_000)),
    ];
    for text in texts {
        assert!(parse(&text).is_err());
    }
}
