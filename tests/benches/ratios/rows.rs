//! The rows that compare a server's CPU for an operation with a native server's, as data.

use crate::apps;
use crate::load::What;
use crate::server::Program;
use crate::table::Goal;

/// A native server and what is compared with it, measured in turns.
pub(crate) struct Comparison {
    pub(crate) title: &'static str,
    pub(crate) native: Subject,
    pub(crate) rows: &'static [Row],
}

/// Something that is measured.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) program: Program,
    pub(crate) path: &'static str,
    pub(crate) work: Work,
}

pub(crate) struct Row {
    pub(crate) subject: Subject,
    pub(crate) aim: Aim,
}

/// What a server is made to do.
#[derive(Clone, Copy)]
pub(crate) enum Work {
    /// So many connections ask, again and again.
    Ask(What, usize),
    /// Websockets come and go.
    Churn,
}

/// What a row is judged by.
#[derive(Clone, Copy)]
pub(crate) enum Aim {
    /// The native server's CPU for an operation, by its own.
    Ratio(Goal),
    /// Operations for a second of its CPU: what it does with a core for itself.
    PerCore(f64),
}

const WEBSOCKETS: usize = 64;

const fn echo(bytes: usize) -> Work {
    Work::Ask(What::Echo { bytes, in_flight: 1 }, WEBSOCKETS)
}

/// What guests of several languages do.
pub(crate) const WEBSOCKETS_ECHO: Work = echo(128);
const ECHO_16: Work = Work::Ask(What::Echo { bytes: 128, in_flight: 16 }, WEBSOCKETS);
const ECHO_CROWD: Work = Work::Ask(What::Echo { bytes: 128, in_flight: 1 }, 1000);
const HELLO: Work = Work::Ask(What::Http("\r\n\r\nhello"), WEBSOCKETS);
const HELLO_WASI: Work = Work::Ask(What::Http("\r\nHello, WASI!\r\n0\r\n\r\n"), WEBSOCKETS);

const fn native(name: &'static str, what: &'static str, work: Work) -> Subject {
    Subject { name, program: Program::Native(what), path: "/", work }
}

const fn sessile(name: &'static str, path: &'static str, work: Work, aim: Aim) -> Row {
    Row { subject: Subject { name, program: Program::Sessile(apps::echo), path, work }, aim }
}

const fn at_least(ratio: f64) -> Aim {
    Aim::Ratio(Goal::AtLeast(ratio))
}

pub(crate) static COMPARISONS: [Comparison; 7] = [
    Comparison {
        title: "echo 128 B, 64 websockets",
        native: native("tokio-tungstenite", "websocket", echo(128)),
        rows: &[
            sessile("event style, isolation connection", "/ws", echo(128), at_least(1.0)),
            sessile("event style, isolation shared", "/ws-shared", echo(128), Aim::Ratio(Goal::Reported)),
            sessile("loop style", "/loop", echo(128), at_least(0.75)),
            Row {
                subject: Subject {
                    name: "isolation event: a fresh instance per event",
                    program: Program::Sessile(apps::fresh_events),
                    path: "/ws",
                    work: echo(128),
                },
                aim: at_least(0.35),
            },
        ],
    },
    Comparison {
        title: "echo 128 B, 16 in flight, 64 websockets",
        native: native("tokio-tungstenite", "websocket", ECHO_16),
        rows: &[sessile("event style", "/ws", ECHO_16, at_least(3.0))],
    },
    Comparison {
        title: "echo 128 B, 1,000 websockets",
        native: native("tokio-tungstenite", "websocket", ECHO_CROWD),
        rows: &[
            sessile("event style", "/ws", ECHO_CROWD, Aim::Ratio(Goal::Reported)),
            sessile("event style, isolation shared", "/ws-shared", ECHO_CROWD, Aim::Ratio(Goal::Reported)),
        ],
    },
    Comparison {
        title: "echo 1 KiB, 64 websockets",
        native: native("tokio-tungstenite", "websocket", echo(1024)),
        rows: &[
            sessile("event style", "/ws", echo(1024), at_least(0.6)),
            sessile("loop style", "/loop", echo(1024), at_least(0.4)),
        ],
    },
    Comparison {
        title: "echo 16 KiB, 64 websockets",
        native: native("tokio-tungstenite, its own buffer of 128 KiB", "large", echo(16 * 1024)),
        rows: &[
            Row { subject: native("fastwebsockets", "fast", echo(16 * 1024)), aim: Aim::Ratio(Goal::Reported) },
            sessile("event style", "/ws", echo(16 * 1024), at_least(1.2)),
        ],
    },
    Comparison {
        title: "HTTP hello, 64 connections",
        native: native("hyper", "http", HELLO),
        rows: &[
            sessile("own WIT, isolation shared", "/", HELLO, at_least(0.85)),
            sessile("own WIT, fresh per request", "/fresh", HELLO, at_least(0.4)),
            standard("wasi:http 0.2, fresh per request", "/2", 0.2),
            standard("wasi:http 0.3, isolation shared", "/3", 0.4),
        ],
    },
    Comparison {
        title: "churn: connect, echo 128 B, close; 64 at once",
        native: native("tokio-tungstenite", "websocket", Work::Churn),
        rows: &[sessile("event style", "/ws", Work::Churn, Aim::PerCore(12_000.0))],
    },
];

const fn standard(name: &'static str, path: &'static str, ratio: f64) -> Row {
    let subject = Subject { name, program: Program::Sessile(apps::standard), path, work: HELLO_WASI };
    Row { subject, aim: at_least(ratio) }
}
