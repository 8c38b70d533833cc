//! What is contained: guests that ask too much, peers that send or take too little, clients that come too often. Each is
//! ended by its own limit, and nobody else notices.

mod clients;
mod guests;
mod memory;
mod peers;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sessile_tests::{Host, Socket};
use tokio::task::JoinSet;

const MIB: u64 = 1 << 20;

/// Websockets that echo numbers beside something else, and check that each comes back in sequence.
struct Neighbours {
    done: Arc<AtomicBool>,
    tasks: JoinSet<()>,
}

impl Neighbours {
    async fn beside(host: &Host, path: &str, count: usize) -> Self {
        let (done, mut tasks) = (Arc::new(AtomicBool::new(false)), JoinSet::new());
        for index in 0..count {
            let (mut socket, done) = (Socket::open(host.address(), path).await, done.clone());
            tasks.spawn(async move {
                let mut number = 0_u64;
                while !done.load(Ordering::Relaxed) || number < 10 {
                    let text = format!("{index}-{number}");
                    assert_eq!(socket.ask(&text).await, text);
                    number += 1;
                }
            });
        }
        Self { done, tasks }
    }

    async fn are_well(mut self) {
        self.done.store(true, Ordering::Relaxed);
        while let Some(neighbour) = self.tasks.join_next().await {
            neighbour.expect("every echo came in sequence");
        }
    }
}
