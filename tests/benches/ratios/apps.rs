//! The apps that Sessile serves while it is measured.

use std::fs;
use std::path::Path;

use sessile_tests::{App, Host, Way};

/// The echo example's component, once for each isolation that it is measured with.
const ECHO: &str = r#"
[app]
name = "bench"
[[routes]]
path = "/ws"
handler = "events"
[[routes]]
path = "/ws-shared"
handler = "events-shared"
[[routes]]
path = "/loop"
handler = "looped"
[[routes]]
path = "/"
handler = "shared"
[[routes]]
path = "/fresh"
handler = "fresh"
[handlers.events]
component = "{components}/echo.wasm"
export = "websocket-events"
[handlers.events-shared]
component = "{components}/echo.wasm"
export = "websocket-events"
isolation = "shared"
[handlers.looped]
component = "{components}/echo.wasm"
export = "websocket-handler"
[handlers.shared]
component = "{components}/echo.wasm"
export = "http-handler"
isolation = "shared"
[handlers.fresh]
component = "{components}/echo.wasm"
export = "http-handler"
"#;

/// Components of others, over the bindings of the Bytecode Alliance.
const STANDARD: &str = r#"
[app]
name = "bench"
[[routes]]
path = "/2"
handler = "fresh-2"
[[routes]]
path = "/3"
handler = "shared-3"
[handlers.fresh-2]
component = "{components}/sample_hello.wasm"
[handlers.shared-3]
component = "{components}/sample_hello_3.wasm"
isolation = "shared"
"#;

/// Its calls have no end.
const GREEDY: &str = r#"
[app]
name = "greedy"
[[routes]]
path = "/ws"
handler = "events"
[handlers.events]
component = "{components}/greedy.wasm"
export = "websocket-events"
"#;

/// The same echo by a guest in C.
const ECHO_IN_C: &str = r#"
[app]
name = "bench"
[[routes]]
path = "/ws"
handler = "events"
[[routes]]
path = "/loop"
handler = "looped"
[handlers.events]
component = "echo.wasm"
build = "clang --target=wasm32-wasi -mexec-model=reactor -std=c11 -Os -Wall -Wl,--strip-debug -I{sdk} echo.c {sdk}/*/*.c -o echo.wasm"
export = "websocket-events"
[handlers.looped]
component = "echo.wasm"
export = "websocket-handler"
"#;

/// One handler of one component; `{number}` makes it another version.
const ONE: &str = r#"
# {number}
[app]
name = "bench"
[[routes]]
path = "/"
handler = "hello"
[handlers.hello]
component = "{component}"
export = "http-handler"
"#;

pub(crate) fn echo() -> App {
    App::new(ECHO)
}

/// As [`echo`], of `tests/guests/c/echo.c` and the SDK of C.
pub(crate) fn echo_in_c() -> App {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let sdk = root.join("guest-sdk/c").canonicalize().expect("the SDK of C");
    let app = App::new(&ECHO_IN_C.replace("{sdk}", sdk.to_str().expect("a path in UTF-8")));
    fs::copy(root.join("tests/guests/c/echo.c"), app.path().join("echo.c")).expect("the guest in C");
    let built = Host::run(&["build", app.path().to_str().expect("a path in UTF-8")]);
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    app
}

pub(crate) fn standard() -> App {
    App::new(STANDARD)
}

/// The echo of websockets, each message by an instance of its own.
pub(crate) fn fresh_events() -> App {
    let app = App::new(ECHO);
    app.edit("\"websocket-events\"", "\"websocket-events\"\nisolation = \"event\"");
    app
}

/// The example as it is.
pub(crate) fn example() -> App {
    App::example("echo")
}

/// An app below a prefix, beside the one that is served.
pub(crate) fn beside(name: &str, app: fn() -> App) -> App {
    let app = app();
    app.edit("[app]", &format!("[app]\nprefix = \"/{name}\""));
    app
}

/// The guest that asks too much of the host.
pub(crate) fn greedy() -> App {
    App::new(GREEDY)
}

/// The guest that does what it is told.
pub(crate) fn faults() -> App {
    App::faults(Way::Keep)
}

/// The manifest of one version of many with the same component.
pub(crate) fn one(component: &str, number: usize) -> String {
    ONE.replace("{component}", component).replace("{number}", &number.to_string())
}
