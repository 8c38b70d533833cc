//! The wasmtime engine: its configuration, the clock that interrupts guests, the bounds on instances.
//!
//! Owns everything about wasmtime that is decided once a process. Does not know handlers or apps.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::warm::Warm;
use crate::bindings::{All, GuestState};
use crate::limits;

/// The engine with all that instances share.
pub struct Engine {
    pub(super) wasmtime: wasmtime::Engine,
    pub(super) linker: Linker<GuestState>,
    pub(super) warm: Warm,
    /// Where a guest goes on that has used more than a tick: its spinning delays no socket there.
    pub(super) guests: tokio::runtime::Handle,
    slots: Arc<Semaphore>,
    pinned: Arc<Semaphore>,
    pinned_max: usize,
    keeps_instances: bool,
    next_uid: AtomicU64,
}

/// Whether instances may be kept between events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// Warm instances are kept.
    Keep,
    /// `--amnesia`: every event meets a fresh instance, so that a guest which relies on its globals
    /// is found out.
    Amnesia,
}

impl Engine {
    /// Builds the engine and starts the thread that ticks its epoch; the thread ends with the engine.
    ///
    /// # Errors
    /// What wasmtime says where the pool cannot be reserved.
    pub fn new(memory: Memory, guests: tokio::runtime::Handle) -> wasmtime::Result<Arc<Self>> {
        let wasmtime = wasmtime::Engine::new(&config())?;
        let linker = linker(&wasmtime)?;
        tick(&wasmtime)?;
        let pinned_max = pinned_max();
        Ok(Arc::new(Self {
            wasmtime,
            linker,
            warm: Warm::default(),
            guests,
            slots: Arc::new(Semaphore::new(limits::INSTANCES_MAX)),
            pinned: Arc::new(Semaphore::new(pinned_max)),
            pinned_max,
            keeps_instances: memory == Memory::Keep,
            next_uid: AtomicU64::new(1),
        }))
    }

    /// Drops the warm instances that have been idle for [`limits::WARM`]; to be called every
    /// [`limits::SWEEP`].
    pub fn sweep(&self) {
        self.warm.sweep(limits::WARM.as_secs() / limits::SWEEP.as_secs());
    }

    /// Warm instances now.
    pub fn warm_len(&self) -> usize {
        self.warm.len()
    }

    pub(super) fn keeps_instances(&self) -> bool {
        self.keeps_instances
    }

    pub(super) fn next_uid(&self) -> u64 {
        self.next_uid.fetch_add(1, Ordering::Relaxed)
    }

    /// A place in the pool; past the bound the least recently used warm instance makes room, and
    /// where none is warm the event waits.
    pub(super) async fn slot(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(slot) = self.slots.clone().try_acquire_owned() {
            return Some(slot);
        }
        self.warm.evict();
        self.slots.clone().acquire_owned().await.ok()
    }

    /// A place for a loop-style instance.
    pub(super) fn pin(&self) -> Result<OwnedSemaphorePermit, usize> {
        self.pinned.clone().try_acquire_owned().map_err(|_| self.pinned_max)
    }
}

/// What distinguishes compiled code of this build: part of the cache key.
pub(super) fn compatibility(engine: &wasmtime::Engine) -> u64 {
    use std::hash::{Hash, Hasher};
    let mut hasher = std::hash::DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

fn config() -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .max_wasm_stack(limits::WASM_STACK_BYTES)
        .async_stack_size(limits::ASYNC_STACK_BYTES)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool()));
    config
}

/// Keep-resident without the pagemap scan is slower than none; together they are the fastest
/// (measured, docs/adr/0001).
fn pool() -> PoolingAllocationConfig {
    let instances = u32::try_from(limits::INSTANCES_MAX).unwrap_or(u32::MAX);
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(instances)
        .total_core_instances(4 * instances)
        .total_memories(2 * instances)
        .total_tables(4 * instances)
        .total_stacks(2 * instances)
        .max_memory_size(limits::MEMORY_BYTES_MAX)
        .table_elements(limits::TABLE_ELEMENTS_MAX)
        .linear_memory_keep_resident(2 * limits::MIB)
        .table_keep_resident(64 * limits::KIB)
        .async_stack_keep_resident(64 * limits::KIB)
        .pagemap_scan(Enabled::Auto);
    pool
}

fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<GuestState>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_config::add_to_linker(&mut linker, GuestState::config)?;
    All::add_to_linker::<GuestState, HasSelf<GuestState>>(&mut linker, |state| state)?;
    Ok(linker)
}

/// Ticks from a thread of the operating system: a tokio task would be starved by the very guests
/// that it is there to interrupt.
fn tick(engine: &wasmtime::Engine) -> wasmtime::Result<()> {
    let engine = engine.weak();
    std::thread::Builder::new().name("epoch".into()).spawn(move || {
        loop {
            pause(limits::EPOCH_TICK);
            match engine.upgrade() {
                Some(engine) => engine.increment_epoch(),
                None => return,
            }
        }
    })?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the one thread whose work is to wait")]
fn pause(span: Duration) {
    std::thread::sleep(span);
}

/// A loop-style instance takes some memory maps, of which a process has `vm.max_map_count`.
fn pinned_max() -> usize {
    let Ok(text) = std::fs::read_to_string("/proc/sys/vm/max_map_count") else {
        return limits::PINNED_INSTANCES_MAX;
    };
    let maps: usize = text.trim().parse().unwrap_or(usize::MAX);
    let max = (maps / limits::MAPS_PER_INSTANCE).min(limits::PINNED_INSTANCES_MAX);
    if max < limits::PINNED_INSTANCES_MAX {
        tracing::warn!(
            max_map_count = maps,
            loop_style_max = max,
            "vm.max_map_count bounds the loop-style websockets; raise it with sysctl for more"
        );
    }
    max
}
