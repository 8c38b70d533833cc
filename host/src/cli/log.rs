//! The log's way to stderr: lines are gathered, and written by a thread of their own, a fiftieth of a second's at a time.
//!
//! A system call for each line would be felt by every exchange, and so would waking another thread for each: that costs as
//! much (measured with tracing-appender, docs/performance.md). Nobody ever waits for whoever reads the log: past the bound lines
//! are lost, and counted.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use tracing_subscriber::fmt::MakeWriter;

use crate::limits::{LOG_BYTES_MAX, LOG_GATHER};

/// Where lines are gathered.
#[derive(Clone, Default)]
pub(super) struct Gathered(Arc<Shared>);

/// Writes what is left with its drop.
pub(super) struct Guard {
    gathered: Gathered,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    lines: Mutex<Lines>,
    /// There are lines, or an end.
    some: Condvar,
}

#[derive(Default)]
struct Lines {
    bytes: Vec<u8>,
    lost: u64,
    over: bool,
}

impl Gathered {
    /// Begins to write what is gathered.
    ///
    /// # Errors
    /// What the system says where it has no thread left.
    pub(super) fn written_to(self, out: impl Write + Send + 'static) -> io::Result<Guard> {
        let lines = self.clone();
        let thread = std::thread::Builder::new().name("log".into()).spawn(move || lines.write(out))?;
        Ok(Guard { gathered: self, thread: Some(thread) })
    }

    fn add(&self, line: &[u8]) {
        let mut lines = self.lock();
        if lines.bytes.len() + line.len() > LOG_BYTES_MAX {
            lines.lost += 1;
            return;
        }
        let first = lines.bytes.is_empty();
        lines.bytes.extend_from_slice(line);
        drop(lines);
        if first {
            self.0.some.notify_one();
        }
    }

    fn write(&self, mut out: impl Write) {
        let mut taken = Vec::new();
        loop {
            let lines = self.lock();
            let nothing = |lines: &mut Lines| lines.bytes.is_empty() && !lines.over;
            let mut lines = self.0.some.wait_while(lines, nothing).unwrap_or_else(PoisonError::into_inner);
            if !lines.over {
                // More come meanwhile; an end is not waited for.
                let gather = |lines: &mut Lines| !lines.over;
                let waited = self.0.some.wait_timeout_while(lines, LOG_GATHER, gather);
                lines = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
            std::mem::swap(&mut taken, &mut lines.bytes);
            let (lost, over) = (std::mem::take(&mut lines.lost), lines.over);
            drop(lines);
            if lost > 0 {
                let _counted = writeln!(taken, "{lost} lines of the log were lost: nobody took them fast enough");
            }
            // There is nowhere to say that the log cannot be written.
            let _written = out.write_all(&taken).and_then(|()| out.flush());
            taken.clear();
            if over {
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.0.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> MakeWriter<'a> for Gathered {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(self)
    }
}

/// One line, which the subscriber writes in one piece.
pub(super) struct Line<'a>(&'a Gathered);

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.add(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.gathered.lock().over = true;
        self.gathered.0.some.notify_one();
        if let Some(thread) = self.thread.take() {
            // One that panicked has said so.
            let _ended = thread.join();
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Tells each write, and waits to be let on.
    struct Slow(mpsc::SyncSender<String>, mpsc::Receiver<()>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(String::from_utf8_lossy(bytes).into_owned()).unwrap();
            let _let_on = self.1.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_are_written_in_order_and_some_at_a_time() {
        let (gathered, (told, written), (let_on, go)) =
            (Gathered::default(), mpsc::sync_channel(8), mpsc::sync_channel(8));
        let guard = gathered.clone().written_to(Slow(told, go)).unwrap();
        gathered.add(b"1\n");
        let mut text = written.recv().unwrap();
        for number in 2..=100 {
            gathered.add(format!("{number}\n").as_bytes());
        }
        drop(let_on);
        drop(guard);
        let rest: Vec<_> = written.try_iter().collect();
        assert!(rest.len() <= 2, "{} writes", rest.len());
        text.extend(rest);
        assert_eq!(text, (1..=100).map(|number| format!("{number}\n")).collect::<String>());
    }

    #[test]
    fn lines_past_the_bound_are_lost_and_counted() {
        let (gathered, (told, written), (let_on, go)) =
            (Gathered::default(), mpsc::sync_channel(8), mpsc::sync_channel(8));
        let guard = gathered.clone().written_to(Slow(told, go)).unwrap();
        gathered.add(b"first\n");
        assert_eq!(written.recv().unwrap(), "first\n");
        gathered.add(&[b'x'; LOG_BYTES_MAX]);
        gathered.add(b"lost\n");
        gathered.add(b"lost\n");
        drop(let_on);
        drop(guard);
        let rest: String = written.try_iter().collect();
        assert!(rest.ends_with("x2 lines of the log were lost: nobody took them fast enough\n"));
    }
}
