//! What memory instances may have: each so much, and all of them together so much.
//!
//! wasmtime asks before a linear memory or a table grows; a refusal is what the guest sees as a failed `memory.grow`.
//! Where all of them together are the reason, that is remembered: what the guest then does is the host's fault.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use wasmtime::ResourceLimiter;

use crate::limits;

/// The linear memory of all instances.
pub struct LinearMemory {
    used: AtomicUsize,
    bytes_max: usize,
    relief: OnceLock<Relief>,
}

/// Ends an instance that serves nobody now; whether there was one.
type Relief = Box<dyn Fn() -> bool + Send + Sync>;

/// What one instance may have, and has; given back with its drop.
pub struct Allowance {
    all: Arc<LinearMemory>,
    bytes_max: usize,
    used: usize,
    /// What it was allowed last, which it may not get after all.
    last: usize,
    /// Whether there was not enough for all.
    short: bool,
}

impl LinearMemory {
    /// So many bytes for all.
    pub fn new(bytes_max: usize) -> Self {
        Self { used: AtomicUsize::new(0), bytes_max, relief: OnceLock::new() }
    }

    /// Bytes that instances have.
    pub fn used(&self) -> usize {
        self.used.load(Relaxed)
    }

    /// Bytes that they may have.
    pub fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    /// What to do where there is not enough; said once.
    pub fn relieved_by(&self, relief: impl Fn() -> bool + Send + Sync + 'static) {
        // Said already.
        let _first = self.relief.set(Box::new(relief));
    }

    fn take(&self, more: usize) -> bool {
        let fits = |used: usize| used.checked_add(more).filter(|used| *used <= self.bytes_max);
        while self.used.fetch_update(Relaxed, Relaxed, fits).is_err() {
            if !self.relief.get().is_some_and(|relief| relief()) {
                return false;
            }
        }
        true
    }
}

impl Allowance {
    /// Of an instance that has nothing yet.
    pub fn new(all: Arc<LinearMemory>, bytes_max: usize) -> Self {
        Self { all, bytes_max, used: 0, last: 0, short: false }
    }

    /// Bytes of linear memory, which never become fewer.
    pub fn used(&self) -> usize {
        self.used
    }

    /// What all instances may have, where that was the reason for a refusal.
    pub fn short_of(&self) -> Option<usize> {
        self.short.then_some(self.all.bytes_max)
    }
}

impl ResourceLimiter for Allowance {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        if self.used.saturating_add(more) > self.bytes_max {
            return Ok(false);
        }
        if !self.all.take(more) {
            self.short = true;
            return Ok(false);
        }
        self.used += more;
        self.last = more;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        tracing::warn!("a linear memory could not grow: {error}");
        self.all.used.fetch_sub(self.last, Relaxed);
        self.used -= self.last;
        self.last = 0;
        Ok(())
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= limits::TABLE_ELEMENTS_MAX)
    }
}

impl Drop for Allowance {
    fn drop(&mut self) {
        self.all.used.fetch_sub(self.used, Relaxed);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn growth_past_what_an_instance_may_have_is_its_own_affair() {
        let all = Arc::new(LinearMemory::new(100));
        let mut one = Allowance::new(all.clone(), 30);
        assert!(one.memory_growing(0, 20, None).unwrap());
        assert!(!one.memory_growing(20, 31, None).unwrap());
        // A second memory counts with the first.
        assert!(!one.memory_growing(0, 11, None).unwrap() && one.memory_growing(0, 10, None).unwrap());
        assert_eq!((one.used(), one.short_of(), all.used()), (30, None, 30));
    }

    #[test]
    fn growth_past_what_all_may_have_is_remembered_and_given_back_with_the_instance() {
        let all = Arc::new(LinearMemory::new(100));
        let (mut one, mut other) = (Allowance::new(all.clone(), 90), Allowance::new(all.clone(), 90));
        assert!(one.memory_growing(0, 80, None).unwrap());
        assert!(!other.memory_growing(0, 21, None).unwrap());
        assert_eq!((other.short_of(), one.short_of()), (Some(100), None));
        assert!(other.memory_growing(0, 20, None).unwrap());
        drop(one);
        assert_eq!(all.used(), 20);
    }

    #[test]
    fn growth_past_what_all_may_have_ends_those_that_serve_nobody_first() {
        let all = Arc::new(LinearMemory::new(100));
        let idle = [30, 40].map(|bytes| {
            let mut idle = Allowance::new(all.clone(), 90);
            idle.memory_growing(0, bytes, None).unwrap();
            idle
        });
        let idle = Mutex::new(idle.into_iter().collect::<Vec<_>>());
        all.relieved_by(move || idle.lock().unwrap().pop().is_some());
        let mut one = Allowance::new(all.clone(), 1000);
        assert!(one.memory_growing(0, 70, None).unwrap());
        assert_eq!(all.used(), 100, "one went, for that was enough");
        assert!(!one.memory_growing(70, 101, None).unwrap());
        assert_eq!((all.used(), one.short_of()), (70, Some(100)));
    }

    #[test]
    fn growth_that_the_system_refuses_is_given_back() {
        let all = Arc::new(LinearMemory::new(100));
        let mut one = Allowance::new(all.clone(), 90);
        assert!(one.memory_growing(0, 40, None).unwrap());
        one.memory_grow_failed(wasmtime::Error::msg("no pages")).unwrap();
        assert_eq!((one.used(), all.used()), (0, 0));
    }
}
