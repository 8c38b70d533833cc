//! permessage-deflate (RFC 7692): compressing and inflating whole messages.
//!
//! Each message stands alone, in both directions (`no_context_takeover`): so the state, some 300 KiB to
//! compress and 48 to inflate, belongs to the thread and not to a websocket, and a message that is
//! published to many is compressed once.

use std::cell::RefCell;

use bytes::Bytes;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::violation::Violation;
use crate::limits;

/// What a handshake has agreed on (RFC 7692 §7.1); neither side keeps its window between messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deflate {
    /// The window for what we send: two to the power of these, from [`WINDOW_BITS_MIN`] to
    /// [`WINDOW_BITS_MAX`].
    pub server_window_bits: u8,
}

/// The smallest window that can be compressed with; the RFC has 8, no library of zlib's family does.
pub const WINDOW_BITS_MIN: u8 = 9;
/// The largest window (RFC 7692 §7.1.2.1).
pub const WINDOW_BITS_MAX: u8 = 15;

/// What every message ends with and none carries (RFC 7692 §7.2.1).
const FLUSHED: [u8; 4] = [0, 0, 0xff, 0xff];
/// The same, then an empty last block: where it is not met as one, the message ended too early.
const END: [u8; 9] = [0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff];

thread_local! {
    static POOL: RefCell<Pool> = RefCell::default();
}

/// A thread's states. Bounded: one compressor for each window, made at first use.
#[derive(Default)]
struct Pool {
    compressors: [Option<Compress>; (WINDOW_BITS_MAX - WINDOW_BITS_MIN + 1) as usize],
    decompressor: Option<Decompress>,
    output: Vec<u8>,
    published: Option<Published>,
}

/// The last message that was compressed while others held it too.
struct Published {
    payload: Bytes,
    agreed: Deflate,
    compressed: Option<Bytes>,
}

/// A message compressed; none where it is too small for that, or grows.
pub(super) fn compress(payload: &Bytes, agreed: Deflate) -> Option<Bytes> {
    if payload.len() < limits::DEFLATE_BYTES_MIN {
        return None;
    }
    POOL.with_borrow_mut(|pool| {
        if payload.is_unique() || payload.len() > limits::DEFLATE_PUBLISHED_BYTES_MAX {
            return pool.compress(payload, agreed);
        }
        // As long as it is held here, no other payload can be where it is.
        let same = |last: &&Published| {
            last.agreed == agreed && (last.payload.as_ptr(), last.payload.len()) == (payload.as_ptr(), payload.len())
        };
        if let Some(last) = pool.published.as_ref().filter(same) {
            return last.compressed.clone();
        }
        let compressed = pool.compress(payload, agreed);
        let (payload, kept) = (payload.clone(), compressed.clone());
        pool.published = Some(Published { payload, agreed, compressed: kept });
        compressed
    })
}

impl Pool {
    fn compress(&mut self, payload: &[u8], agreed: Deflate) -> Option<Bytes> {
        let bits = agreed.server_window_bits.clamp(WINDOW_BITS_MIN, WINDOW_BITS_MAX);
        let slot = self.compressors.get_mut(usize::from(bits - WINDOW_BITS_MIN))?;
        let level = Compression::new(limits::DEFLATE_LEVEL);
        let state = slot.get_or_insert_with(|| Compress::new_with_window_bits(level, false, bits));
        self.output.clear();
        self.output.reserve(bytes_bound(payload.len()));
        let compressed = state.compress_vec(payload, &mut self.output, FlushCompress::Sync);
        let whole = compressed.is_ok() && state.total_in() == payload.len() as u64;
        let flushed = self.output.strip_suffix(&FLUSHED).filter(|_| whole);
        match flushed {
            Some(_) => state.reset(),
            // With output left in it, it is not as new after a reset (zlib-rs 0.6.8).
            None => *slot = None,
        }
        let compressed = flushed.filter(|flushed| flushed.len() < payload.len()).map(Bytes::copy_from_slice);
        if self.output.capacity() > bytes_bound(limits::DEFLATE_PUBLISHED_BYTES_MAX) {
            self.output = Vec::new();
        }
        compressed
    }
}

/// Bytes that a message of at most so many may have when it is compressed: what zlib's own bound says of any
/// of its settings, which is an eighth more and a bit.
pub(super) fn bytes_bound(inflated: usize) -> usize {
    inflated.saturating_add(inflated / 8).saturating_add(inflated / 64).saturating_add(64)
}

/// A message inflated.
///
/// # Errors
/// [`Violation::Corrupt`]; [`Violation::InflatesTooLarge`] at the first byte past `bytes_max`, which are
/// also the most that is ever allocated.
pub(super) fn inflate(compressed: &[u8], bytes_max: usize) -> Result<Vec<u8>, Violation> {
    POOL.with_borrow_mut(|pool| {
        let state = pool.decompressor.get_or_insert_with(|| Decompress::new(false));
        state.reset(false);
        let guess = compressed.len().saturating_mul(limits::INFLATE_GUESS).min(bytes_max);
        let inflated = Vec::with_capacity(guess);
        let mut inflation = Inflation { state, inflated, bytes_max, ends: 0, ended: false };
        inflation.feed(compressed)?;
        inflation.feed(&END)?;
        if inflation.ended { Ok(inflation.inflated) } else { Err(Violation::Corrupt) }
    })
}

struct Inflation<'p> {
    state: &'p mut Decompress,
    inflated: Vec<u8>,
    bytes_max: usize,
    /// Last blocks met: a message may have several (RFC 7692 §7.2.3.5).
    ends: usize,
    /// The last block has just been met.
    ended: bool,
}

impl Inflation<'_> {
    fn feed(&mut self, mut input: &[u8]) -> Result<(), Violation> {
        loop {
            if self.ended && !input.is_empty() {
                self.begin_again()?;
            }
            let (read, written) = self.step(input)?;
            input = input.get(read..).unwrap_or_default();
            match (input.is_empty(), self.ended, written) {
                (true, true, _) | (true, _, 0) => return Ok(()),
                (false, false, 0) if read == 0 => return Err(Violation::Corrupt),
                _ => {}
            }
        }
    }

    /// Inflates into the room that there is, after making some where there is none; returns bytes read
    /// and written.
    fn step(&mut self, input: &[u8]) -> Result<(usize, usize), Violation> {
        let (read, written) = (self.state.total_in(), self.state.total_out());
        let length = self.inflated.len();
        let free = self.bytes_max.saturating_sub(length);
        if length == self.inflated.capacity() {
            self.inflated.reserve_exact(free.min(length.max(limits::INFLATE_BYTES)));
        }
        let status = if free > 0 {
            self.state.decompress_vec(input, &mut self.inflated, FlushDecompress::None)
        } else {
            self.state.decompress(input, &mut [0], FlushDecompress::None)
        };
        let status = status.map_err(|_| Violation::Corrupt)?;
        self.ended = status == Status::StreamEnd;
        let (read, written) = (self.state.total_in() - read, self.state.total_out() - written);
        if self.inflated.len() > self.bytes_max || (free == 0 && written > 0) {
            return Err(Violation::InflatesTooLarge { bytes_max: self.bytes_max });
        }
        // Neither is longer than a slice.
        Ok((read as usize, written as usize))
    }

    fn begin_again(&mut self) -> Result<(), Violation> {
        self.ends += 1;
        if self.ends > limits::DEFLATE_ENDS_MAX {
            return Err(Violation::Corrupt);
        }
        self.state.reset(false);
        self.ended = false;
        Ok(())
    }
}
