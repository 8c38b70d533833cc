//! Warm instances: kept for their websocket between events, dropped when idle or when others need
//! the room.
//!
//! Owns which instances are warm and in which order they fall; what falls says so to its websocket, under the lock, so that
//! no call comes between. Generic over what is kept, so that the order is testable. Drops happen outside the lock: an
//! instance's drop returns pages.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Instance;
use crate::event::WebsocketId;
use crate::limits;
use crate::port::websocket::Asleep;

const SHARDS: u64 = 16;

/// What is kept, and is told when it is not any more.
pub(super) trait Kept {
    /// It is about to be dropped; why.
    fn falls(&self, asleep: Asleep);
}

/// All warm instances of the process.
pub(super) struct Warm<T = Instance> {
    shards: [Mutex<Shard<T>>; SHARDS as usize],
    /// How many there are in all of them.
    count: AtomicUsize,
    /// Sweeps so far: the clock of idleness, which costs nothing to read.
    sweeps: AtomicU64,
}

impl<T> Default for Warm<T> {
    fn default() -> Self {
        let shards = std::array::from_fn(|_| Mutex::default());
        Self { shards, count: AtomicUsize::new(0), sweeps: AtomicU64::new(0) }
    }
}

impl<T: Kept> Warm<T> {
    /// The instance kept for this websocket.
    pub(super) fn take(&self, id: WebsocketId) -> Option<T> {
        let taken = self.shard(id).take(id);
        self.gone(usize::from(taken.is_some()));
        taken
    }

    /// Keeps an instance; past the bound the least recently used of its shard is dropped.
    pub(super) fn put(&self, id: WebsocketId, instance: T) {
        let over = self.count.fetch_add(1, Relaxed) >= limits::WARM_INSTANCES_MAX;
        let dropped = {
            let mut shard = self.shard(id);
            shard.put(id, instance, self.sweeps.load(Relaxed));
            if over { shard.evict() } else { None }
        };
        self.gone(usize::from(dropped.is_some()));
    }

    /// Whether there is room for one that may never be needed again.
    pub(super) fn has_room_for_new(&self) -> bool {
        self.len() < limits::WARM_NEW_MAX
    }

    /// Drops one, so that its place is free; whether there was one.
    pub(super) fn evict(&self) -> bool {
        self.shards.iter().any(|shard| {
            let dropped = lock(shard).evict();
            self.gone(usize::from(dropped.is_some()));
            dropped.is_some()
        })
    }

    /// Drops those that nobody has used for so many sweeps. Called at a steady pace.
    pub(super) fn sweep(&self, idle: u64) {
        let now = self.sweeps.fetch_add(1, Relaxed) + 1;
        let Some(mark) = now.checked_sub(idle) else { return };
        for shard in &self.shards {
            let dropped = lock(shard).idle_since(mark);
            self.gone(dropped.len());
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.count.load(Relaxed)
    }

    fn gone(&self, how_many: usize) {
        if how_many > 0 {
            self.count.fetch_sub(how_many, Relaxed);
        }
    }

    fn shard(&self, id: WebsocketId) -> MutexGuard<'_, Shard<T>> {
        // The map takes the low bits and the top seven.
        let index = (id.0 >> 32) as usize % SHARDS as usize;
        let [first, ..] = &self.shards;
        lock(self.shards.get(index).unwrap_or(first))
    }
}

/// A map with the order of use. The queue may name entries that have been taken since; their stamp
/// differs, so they are passed over, and the queue is rebuilt before they outnumber the living.
struct Shard<T> {
    kept: HashMap<WebsocketId, (u64, u64, T), BuildHasherDefault<Random>>,
    order: VecDeque<(u64, WebsocketId)>,
    stamp: u64,
}

impl<T> Default for Shard<T> {
    fn default() -> Self {
        Self { kept: HashMap::default(), order: VecDeque::new(), stamp: 0 }
    }
}

impl<T: Kept> Shard<T> {
    fn take(&mut self, id: WebsocketId) -> Option<T> {
        self.kept.remove(&id).map(|(_, _, kept)| kept)
    }

    fn put(&mut self, id: WebsocketId, kept: T, now: u64) {
        self.stamp += 1;
        self.kept.insert(id, (self.stamp, now, kept));
        self.order.push_back((self.stamp, id));
        if self.order.len() > 2 * self.kept.len() + 64 {
            let alive = &self.kept;
            self.order.retain(|(stamp, id)| alive.get(id).is_some_and(|(kept, ..)| kept == stamp));
        }
    }

    fn evict(&mut self) -> Option<T> {
        while let Some((stamp, id)) = self.order.pop_front() {
            if self.kept.get(&id).is_some_and(|(kept, ..)| *kept == stamp) {
                return self.falls(id, Asleep::Evicted);
            }
        }
        None
    }

    fn falls(&mut self, id: WebsocketId, asleep: Asleep) -> Option<T> {
        self.take(id).inspect(|kept| kept.falls(asleep))
    }

    /// Those that were put before or at a mark.
    fn idle_since(&mut self, mark: u64) -> Vec<T> {
        let mut idle = Vec::new();
        while let Some((stamp, id)) = self.order.front().copied() {
            match self.kept.get(&id) {
                Some((kept, used, _)) if *kept == stamp && *used > mark => break,
                Some((kept, ..)) if *kept == stamp => idle.extend(self.falls(id, Asleep::Idle)),
                _ => {}
            }
            self.order.pop_front();
        }
        idle
    }
}

/// Ids are random: they are their own hash.
#[derive(Default)]
struct Random(u64);

impl Hasher for Random {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        debug_assert!(false, "{bytes:?} is not an id");
    }

    fn write_u64(&mut self, id: u64) {
        self.0 = id;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Kept for u64 {
        fn falls(&self, _: Asleep) {}
    }

    /// One that remembers why it fell.
    impl Kept for std::rc::Rc<std::cell::Cell<Option<Asleep>>> {
        fn falls(&self, asleep: Asleep) {
            self.set(Some(asleep));
        }
    }

    #[test]
    fn what_falls_is_told_why_and_what_is_taken_is_not() {
        let warm = Warm::default();
        let kept: Vec<std::rc::Rc<std::cell::Cell<Option<Asleep>>>> = (0..3).map(|_| std::rc::Rc::default()).collect();
        for (id, kept) in (1..).zip(&kept) {
            warm.put(WebsocketId(id), kept.clone());
        }
        assert!(warm.take(WebsocketId(2)).is_some() && warm.evict());
        warm.sweep(0);
        let why: Vec<_> = kept.iter().map(|kept| kept.get()).collect();
        assert_eq!(why, [Some(Asleep::Evicted), None, Some(Asleep::Idle)]);
    }

    #[test]
    fn evict_drops_the_least_recently_used() {
        let (mut shard, now) = (Shard::<u64>::default(), 0);
        for id in [1, 2, 3] {
            shard.put(WebsocketId(id), id, now);
        }
        let one = shard.take(WebsocketId(1)).unwrap();
        shard.put(WebsocketId(1), one, now);
        assert_eq!((shard.evict(), shard.evict(), shard.evict(), shard.evict()), (Some(2), Some(3), Some(1), None));
    }

    #[test]
    fn idle_since_leaves_the_recent() {
        let mut shard = Shard::<u64>::default();
        shard.put(WebsocketId(1), 1, 0);
        shard.put(WebsocketId(2), 2, 10);
        assert_eq!(shard.idle_since(5), [1]);
        assert_eq!(shard.kept.len(), 1);
    }

    #[test]
    fn sweep_drops_after_so_many_sweeps_and_not_before() {
        let warm = Warm::<u64>::default();
        warm.put(WebsocketId(1), 1);
        warm.sweep(2);
        assert_eq!(warm.len(), 1, "it was put before the first sweep");
        warm.put(WebsocketId(2), 2);
        warm.sweep(2);
        assert_eq!((warm.take(WebsocketId(1)), warm.len()), (None, 1));
        warm.sweep(2);
        assert_eq!(warm.len(), 0);
    }

    #[test]
    fn order_stays_bounded_when_one_is_used_again_and_again() {
        let (mut shard, now) = (Shard::<u64>::default(), 0);
        for _ in 0..10_000 {
            shard.put(WebsocketId(1), 1, now);
            shard.take(WebsocketId(1));
        }
        assert!(shard.order.len() <= 66, "{}", shard.order.len());
    }
}
