//! Another version under live websockets: who moves when, what stays, and what happens where it breaks off.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use futures_util::future::join_all;
use sessile_tests::{App, Host, Socket, Way, both_ways};
use tokio::sync::{mpsc, watch};

both_ways!(
    event_style_moves_at_its_next_event_and_is_upgraded_once,
    attachment_is_bounded_and_typed,
    messages_to_events_over_ten_swaps_are_answered_once_and_in_order,
    messages_to_loops_over_ten_swaps_are_answered_once_and_in_order,
    loop_hands_over_what_stays_with_the_websocket,
    loop_that_was_not_told_to_retire_hands_over_to_nobody,
    loop_that_stays_is_told_once_and_closed_with_1012_at_the_deadline,
    websocket_whose_handler_is_gone_is_closed_with_1012_at_the_deadline,
    event_that_traps_after_a_swap_is_answered_by_the_version_before,
    upgrade_that_traps_gives_the_websocket_back_and_one_that_fails_ends_it,
    event_that_traps_in_both_versions_ends_the_websocket,
    loop_that_traps_before_its_first_message_goes_back,
);

sessile_tests::run! { concurrent, Concurrent, loop_that_awaits_hands_over }

fn manifest(version: &str, drain_s: u32) -> String {
    let handler = |name, export| {
        format!("[handlers.{name}]\ncomponent = \"{{components}}/swap_{version}.wasm\"\nexport = \"{export}\"\n")
    };
    format!(
        "[app]\nname = \"s\"\ndrain_s = {drain_s}\n[[routes]]\npath = \"/ws\"\nhandler = \"events\"\n\
         [[routes]]\npath = \"/loop\"\nhandler = \"looped\"\n{}{}",
        handler("events", "websocket-events"),
        handler("looped", "websocket-handler")
    )
}

/// A running app of version a, which can be swapped.
struct Swapped {
    app: App,
    host: Host,
    drain_s: u32,
}

impl Swapped {
    fn start(way: Way, drain_s: u32) -> Self {
        let app = App::new(&manifest("a", drain_s));
        let host = Host::start(&app, way);
        Self { app, host, drain_s }
    }

    async fn open(&self, path: &str) -> Socket {
        Socket::open(self.host.address(), path).await
    }

    /// Returns once the version is current, and all loops have been told.
    async fn swap(&self, version: &str) {
        self.swap_to(&manifest(version, self.drain_s)).await;
    }

    async fn swap_to(&self, manifest: &str) {
        self.app.write(manifest);
        deploy(&self.app, &self.host).await;
    }
}

async fn deploy(app: &App, host: &Host) {
    let output = host.deploy(app, &["--allow-new-grants"]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

async fn event_style_moves_at_its_next_event_and_is_upgraded_once(way: Way) {
    let app = Swapped::start(way, 30);
    let (mut socket, mut later) = (app.open("/ws").await, app.open("/ws").await);
    assert_eq!(socket.ask("trail").await, "a:a");
    app.swap("b").await;
    assert_eq!(socket.ask("x").await, "b:x");
    assert_eq!(socket.ask("trail").await, "b:a>b1");
    assert_eq!(app.open("/ws").await.ask("trail").await, "b:b", "one that began on it is not upgraded");
    app.swap("a").await;
    assert_eq!(socket.ask("trail").await, "a:a>b1>a2");
    assert_eq!(socket.ask("trail").await, "a:a>b1>a2");
    assert_eq!(later.ask("trail").await, "a:a>a1", "it had no event while b was current");
}

async fn attachment_is_bounded_and_typed(way: Way) {
    let app = Swapped::start(way, 30);
    for path in ["/ws", "/loop"] {
        let mut socket = app.open(path).await;
        assert_eq!(socket.ask("json").await, "a:Some([1, 2])");
        assert_eq!(socket.ask("large").await, "a:Err(\"16385 exceeds the limit of 16384\")");
        assert_eq!(socket.ask("trail").await, "a:[1,2]");
        assert_eq!(socket.ask("clear").await, "a:clear");
        assert_eq!(socket.ask("trail").await, "a:");
    }
}

async fn messages_to_events_over_ten_swaps_are_answered_once_and_in_order(way: Way) {
    over_ten_swaps(way, "/ws", 200).await;
}

async fn messages_to_loops_over_ten_swaps_are_answered_once_and_in_order(way: Way) {
    over_ten_swaps(way, "/loop", 100).await;
}

const SWAPS: u32 = 10;
const BATCH: u32 = 8;

/// Every websocket talks on while the version changes; after each change all of them must have met it.
async fn over_ten_swaps(way: Way, path: &str, websockets: usize) {
    let app = Swapped::start(way, 30);
    let sockets = join_all((0..websockets).map(|_| app.open(path))).await;
    let (current, _) = watch::channel(0);
    let (met, mut all_met) = mpsc::channel(websockets);
    let talking: Vec<_> =
        sockets.into_iter().map(|socket| tokio::spawn(talk(socket, current.subscribe(), met.clone()))).collect();
    for swap in 1..=SWAPS {
        app.swap(version_after(swap)).await;
        current.send_replace(swap);
        for _ in 0..websockets {
            assert_eq!(all_met.recv().await, Some(swap), "a websocket ended early");
        }
    }
    for talked in talking {
        talked.await.expect("nothing was lost or out of order");
    }
}

fn version_after(swap: u32) -> &'static str {
    if swap.is_multiple_of(2) { "a" } else { "b" }
}

/// Sends numbers some at a time, and reads their answers; tells when the first were answered by a version that was
/// current before they were sent.
async fn talk(mut socket: Socket, current: watch::Receiver<u32>, met: mpsc::Sender<u32>) {
    let (mut number, mut last) = (0, 0);
    while last < SWAPS {
        let swap = *current.borrow();
        for sent in number..number + BATCH {
            socket.send(sent.to_string()).await;
        }
        for sent in number..number + BATCH {
            let answer = socket.text().await;
            let (by, said) = answer.split_once(':').unwrap();
            assert_eq!(said, sent.to_string());
            // A swap may be under way.
            assert!(by == version_after(swap) || by == version_after(swap + 1), "{answer} after swap {swap}");
        }
        number += BATCH;
        if swap > last {
            last = swap;
            met.send(swap).await.unwrap();
        }
    }
}

async fn loop_hands_over_what_stays_with_the_websocket(way: Way) {
    let app = Swapped::start(way, 30);
    let mut socket = app.open("/loop").await;
    assert_eq!(socket.ask("session").await, "a:session");
    assert_eq!(socket.ask("trail").await, "a:>a");
    app.swap("b").await;
    assert_eq!(socket.ask("state").await, "b:open");
    assert_eq!(socket.ask("trail").await, "b:>a>b");
    assert_eq!(socket.ask("unsaved").await, "b:Some(\"a\")");
    app.swap("a").await;
    assert_eq!(socket.ask("trail").await, "a:>a>b>a");
    assert_eq!(socket.close(4000, "bye").await.0, 4000);
}

/// On the concurrent engine, and where the new version has the same code.
async fn loop_that_awaits_hands_over(way: Way) {
    let app = App::faults(way);
    let host = Host::start(&app, way);
    let mut sockets =
        [Socket::open(host.address(), "/loop").await, Socket::open(host.address(), "/loop?ticks=1").await];
    for socket in &mut sockets {
        assert_eq!(answered(socket, "events").await, "1");
        assert_eq!(answered(socket, "events").await, "2");
    }
    deploy(&app, &host).await;
    for socket in &mut sockets {
        assert_eq!(answered(socket, "state").await, "open");
        assert_eq!(answered(socket, "events").await, "2", "another instance");
    }
}

/// The answer to a command among ticks.
async fn answered(socket: &mut Socket, command: &str) -> String {
    socket.send(command).await;
    loop {
        let text = socket.text().await;
        if text != "tick" {
            return text;
        }
    }
}

async fn loop_that_was_not_told_to_retire_hands_over_to_nobody(way: Way) {
    let app = Swapped::start(way, 30);
    let mut socket = app.open("/loop").await;
    socket.send("handoff").await;
    assert_eq!(socket.closed().await.0, 1000);
}

async fn loop_that_stays_is_told_once_and_closed_with_1012_at_the_deadline(way: Way) {
    let app = Swapped::start(way, 5);
    let mut stays = app.open("/loop?stay=1").await;
    let (mut moves, mut idle) = (app.open("/loop").await, app.open("/ws").await);
    app.swap("b").await;
    assert_eq!(stays.text().await, "a:retire");
    assert_eq!(stays.ask("x").await, "a:x");
    assert_eq!(stays.closed().await, (1012, "a new version took over".to_owned()));
    assert_eq!(moves.ask("x").await, "b:x");
    assert_eq!(idle.ask("x").await, "b:x", "an event-style websocket may idle for as long as it likes");
}

async fn websocket_whose_handler_is_gone_is_closed_with_1012_at_the_deadline(way: Way) {
    let app = Swapped::start(way, 5);
    let mut sockets = [app.open("/ws").await, app.open("/loop?stay=1").await];
    let renamed = manifest("b", 5).replace("events]", "others]").replace("\"events\"", "\"others\"");
    app.swap_to(&renamed.replace("looped", "others-looped")).await;
    for socket in &mut sockets {
        assert_eq!(socket.ask("x").await, "a:x", "nobody could take over, so it is not told");
    }
    for socket in &mut sockets {
        assert_eq!(socket.closed().await.0, 1012);
    }
}

async fn event_that_traps_after_a_swap_is_answered_by_the_version_before(way: Way) {
    let app = Swapped::start(way, 30);
    let (mut socket, mut other) = (app.open("/ws").await, app.open("/ws").await);
    app.swap("b").await;
    assert_eq!(socket.ask("trap").await, "a:trap");
    assert_eq!(socket.ask("x").await, "a:x", "it stays there");
    assert_eq!(socket.ask("trail").await, "a:a", "as before the upgrade");
    assert_eq!(other.ask("x").await, "b:x");
    other.send("trap").await;
    assert_eq!(other.closed().await.0, 1011, "not its first event");
    app.swap("a").await;
    assert_eq!(socket.ask("trail").await, "a:a>a1", "until the current version changes");
}

async fn upgrade_that_traps_gives_the_websocket_back_and_one_that_fails_ends_it(way: Way) {
    let app = Swapped::start(way, 30);
    let (mut traps, mut fails) = (app.open("/ws?upgrade=trap").await, app.open("/ws?upgrade=fail").await);
    app.swap("b").await;
    assert_eq!(traps.ask("trail").await, "a:a");
    fails.send("x").await;
    let (code, reason) = fails.closed().await;
    assert_eq!(code, 1011);
    assert!(reason.starts_with("report "), "{reason}");
}

async fn event_that_traps_in_both_versions_ends_the_websocket(way: Way) {
    let app = Swapped::start(way, 30);
    let mut socket = app.open("/ws").await;
    app.swap("b").await;
    socket.send("trap anywhere").await;
    assert_eq!(socket.closed().await.0, 1011);
    app.host.wait_for_log("back to the version before");
}

async fn loop_that_traps_before_its_first_message_goes_back(way: Way) {
    let app = Swapped::start(way, 30);
    let mut socket = app.open("/loop?trap=1").await;
    assert_eq!(socket.ask("x").await, "a:x");
    app.swap("b").await;
    assert_eq!(socket.ask("y").await, "a:y");
    assert_eq!(socket.ask("trail").await, "a:>a>a", "of b nothing is left");
    app.swap("a").await;
    assert_eq!(socket.ask("trail").await, "a:>a>a>a");
    app.swap("b").await;
    assert_eq!(socket.ask("z").await, "a:z");
}
