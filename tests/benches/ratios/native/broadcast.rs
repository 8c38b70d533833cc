//! A group over tokio-tungstenite: a bounded queue to each member's task.

use std::sync::{Arc, Mutex, MutexGuard};

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

/// Messages that may wait for a member.
const QUEUE: usize = 1024;

/// Who is in it.
#[derive(Clone, Default)]
pub(super) struct Group(Arc<Mutex<Vec<mpsc::Sender<Utf8Bytes>>>>);

/// One websocket, which is told `join` and `publish GROUP TEXT` as the guest of the tests is.
pub(super) async fn member(stream: TcpStream, group: Group) {
    let socket = tokio_tungstenite::accept_async_with_config(stream, Some(super::small())).await;
    let Ok(mut socket) = socket else { return };
    let (sender, mut queue) = mpsc::channel(QUEUE);
    loop {
        let sent = tokio::select! {
            Some(text) = queue.recv() => {
                // What else waits goes with it, in one write.
                let mut fed = socket.feed(Message::Text(text)).await;
                while let (Ok(()), Ok(text)) = (&fed, queue.try_recv()) {
                    fed = socket.feed(Message::Text(text)).await;
                }
                socket.flush().await.and(fed)
            }
            told = socket.next() => {
                let Some(Ok(Message::Text(told))) = told else { return };
                match told.strip_prefix("publish g ") {
                    Some(text) => socket.send(group.publish(&text.into()).into()).await,
                    None => {
                        group.lock().push(sender.clone());
                        socket.send("joined".into()).await
                    }
                }
            }
        };
        if sent.is_err() {
            return;
        }
    }
}

impl Group {
    /// The text is shared, not copied.
    fn publish(&self, text: &Utf8Bytes) -> String {
        let queues = self.lock();
        let taken = queues.iter().filter(|queue| queue.try_send(text.clone()).is_ok()).count();
        format!("published {taken} {}", queues.len() - taken)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<mpsc::Sender<Utf8Bytes>>> {
        self.0.lock().expect("nobody panics with it")
    }
}
