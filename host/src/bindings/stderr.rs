//! A guest's stdout and stderr: lines for the log, and the tail for the report of a trap.
//!
//! A Rust guest that panics says why on stderr only. Bounded: the last bytes are kept, and a guest
//! that prints without end costs no memory.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use super::misc::cut;
use crate::event::WebsocketId;
use crate::feed::{Source, What};
use crate::limits::{GUEST_TEXT_BYTES_MAX, STDERR_BYTES_MAX};

/// The captured output of one instance; a clone shares it.
#[derive(Clone, Debug)]
pub struct Stderr {
    source: Arc<Source>,
    /// The id of what is served; 0: nothing is.
    served: Arc<AtomicU64>,
    captured: Arc<Mutex<Captured>>,
}

#[derive(Debug, Default)]
struct Captured {
    tail: VecDeque<u8>,
    line: Vec<u8>,
}

impl Stderr {
    /// Nothing captured yet.
    pub fn new(source: Arc<Source>) -> Self {
        Self { source, served: Arc::default(), captured: Arc::default() }
    }

    /// What is printed from now on is of this websocket or exchange.
    pub(super) fn serve(&self, id: Option<u64>) {
        self.served.store(id.unwrap_or_default(), Relaxed);
    }

    /// The last that was written, and forgets it.
    pub fn take(&self) -> String {
        let mut captured = self.lock();
        captured.line.clear();
        let tail = Vec::from(std::mem::take(&mut captured.tail));
        String::from_utf8_lossy(&tail).into_owned()
    }

    fn capture(&self, bytes: &[u8]) {
        let mut captured = self.lock();
        captured.tail.extend(bytes);
        let over = captured.tail.len().saturating_sub(STDERR_BYTES_MAX);
        captured.tail.drain(..over);
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = GUEST_TEXT_BYTES_MAX.saturating_sub(captured.line.len());
            captured.line.extend(part.iter().take(room));
            if part.ends_with(b"\n") {
                let line = String::from_utf8_lossy(&captured.line);
                let text = cut(line.trim_end(), GUEST_TEXT_BYTES_MAX);
                tracing::info!(target: "guest", handler = &*self.source.handler, "{text}");
                captured.line.clear();
                self.tell(text);
            }
        }
    }

    fn tell(&self, text: String) {
        // Ids of exchanges are written as those of websockets are.
        let id = Some(self.served.load(Relaxed)).filter(|id| *id != 0).map(WebsocketId);
        let id = id.as_ref().map(|id| id as &dyn std::fmt::Display);
        self.source.tell(id, || What::Log { level: "info".to_owned(), text });
    }

    fn lock(&self) -> MutexGuard<'_, Captured> {
        self.captured.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl IsTerminal for Stderr {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Stderr {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Stderr {
    async fn ready(&mut self) {}
}

impl OutputStream for Stderr {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.capture(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 * 1024)
    }
}

impl AsyncWrite for Stderr {
    fn poll_write(self: Pin<&mut Self>, _cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.capture(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capture_without_end_keeps_the_tail() {
        let stderr =
            Stderr::new(Arc::new(Source { feed: Arc::default(), app: "a".into(), version: 1, handler: "h".into() }));
        for i in 0..10_000 {
            stderr.capture(format!("line {i}\n").as_bytes());
        }
        let tail = stderr.take();
        assert!(tail.len() <= STDERR_BYTES_MAX && tail.ends_with("line 9999\n"), "{tail}");
        assert_eq!(stderr.take(), "");
    }
}
