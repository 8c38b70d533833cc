//! The promise that a swap loses nothing, at its full size: thousands of websockets that echo numbers, and a hundred swaps
//! between two versions that answer differently.

use std::time::Duration;

use sessile_tests::{App, Fleet, Host, Way};

async fn hundred_swaps(path: &'static str, count: usize) {
    let manifest = |letter: &str| {
        format!(
            "[app]\nname = \"s\"\n[[routes]]\npath = \"/ws\"\nhandler = \"events\"\n[[routes]]\npath = \"/loop\"\n\
             handler = \"looped\"\n[handlers.events]\ncomponent = \"{{components}}/swap_{letter}.wasm\"\n\
             export = \"websocket-events\"\n[handlers.looped]\ncomponent = \"{{components}}/swap_{letter}.wasm\"\n\
             export = \"websocket-handler\"\n"
        )
    };
    let app = App::new(&manifest("a"));
    let host = Host::start(&app, Way::Keep);
    let fleet = Fleet::launch(host.address(), path, count, Duration::from_millis(500)).await;
    fleet.swaps_begin();
    app.write(&manifest("b"));
    let deployed = host.deploy(&app, &[]).await;
    assert!(deployed.status.success(), "{}", String::from_utf8_lossy(&deployed.stderr));
    for swap in 1..100 {
        let number = if swap % 2 == 0 { "2" } else { "1" };
        let swapped = host.command_to(&["rollback", "s", "--number", number]).await;
        assert!(swapped.status.success(), "{}", String::from_utf8_lossy(&swapped.stderr));
    }
    let report = fleet.land().await;
    eprintln!("{report:?}");
    assert_eq!((report.websockets, report.drops, report.gaps, report.reorders), (count, 0, 0, 0), "{report:?}");
    assert!(report.moves_min > 0, "a websocket never moved: {report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn hundred_swaps_under_5000_websockets_drop_lose_and_reorder_nothing() {
    hundred_swaps("/ws", 5000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hundred_swaps_under_1000_loops_drop_lose_and_reorder_nothing() {
    hundred_swaps("/loop", 1000).await;
}
