//! The apps that Sessile serves while it is measured.

use sessile_tests::{App, Way};

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

pub(crate) fn standard() -> App {
    App::new(STANDARD)
}

/// The echo of websockets, each message by an instance of its own.
pub(crate) fn fresh_events() -> App {
    let app = App::new(ECHO);
    app.edit("[handlers.events]", "[handlers.events]\nisolation = \"event\"");
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
