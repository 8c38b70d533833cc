//! The wasmtime engines: their configuration, the bounds on instances.
//!
//! Owns everything about wasmtime that is decided once a process. Does not know handlers or apps.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::blocking;
use super::clock::Clock;
use super::pool::Pool;
use super::warm::Warm;
use crate::bindings::{self, Calls, GuestState, LinearMemory};
use crate::feed::Feed;
use crate::limits;
use crate::outbound::Client;

/// The engines with all that instances share.
pub struct Engine {
    machines: Arc<Machines>,
    pub(super) warm: Warm,
    /// Those of the handlers that there are.
    pools: Mutex<Vec<Weak<Pool>>>,
    memory: Arc<LinearMemory>,
    pub(super) guests: Arc<Guests>,
    outbound: Arc<Client>,
    feed: Arc<Feed>,
    slots: Arc<Semaphore>,
    pinned: Arc<Semaphore>,
    pinned_max: usize,
    keeps_instances: bool,
    next_uid: AtomicU64,
    created: AtomicU64,
    evicted: AtomicU64,
}

/// The instances of the process.
#[derive(Clone, Copy, Debug)]
pub struct Instances {
    /// How many there are.
    pub live: usize,
    /// Those of them that serve nobody now.
    pub warm: usize,
    /// Those of loop-style websockets.
    pub pinned: usize,
    /// How many were made so far.
    pub created: u64,
    /// Warm ones that made room for others so far.
    pub evicted: u64,
    /// Linear memory of all.
    pub memory_bytes: usize,
    /// What it may be.
    pub memory_bytes_max: usize,
}

/// Where a guest goes on that has used more than a tick, so that its spinning delays no socket, and
/// the clock that ticks while guests run.
pub struct Guests {
    pub(super) runtime: tokio::runtime::Handle,
    pub(super) clock: Clock,
}

/// A wasmtime engine and its linker, for one kind of component (docs/adr/0004). Made when the first
/// such component comes: each reserves address space for all instances.
#[derive(Default)]
struct Machines {
    blocking: OnceLock<Result<Machine, String>>,
    concurrent: OnceLock<Result<Machine, String>>,
}

pub(super) struct Machine {
    pub(super) wasmtime: wasmtime::Engine,
    pub(super) linker: Linker<GuestState>,
}

impl Machine {
    /// Reserves address space for all instances.
    pub(super) fn new(calls: Calls) -> wasmtime::Result<Self> {
        let mut config = config(calls);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool()));
        let wasmtime = wasmtime::Engine::new(&config)?;
        let mut linker = Linker::new(&wasmtime);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
        if calls == Calls::Concurrent {
            wasmtime_wasi::p3::add_to_linker(&mut linker)?;
            wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
        }
        wasmtime_wasi_config::add_to_linker(&mut linker, GuestState::config)?;
        bindings::link(&mut linker, calls)?;
        Ok(Self { wasmtime, linker })
    }

    /// Compiles a component that makes its calls in this machine's way.
    pub(super) fn compile(&self, calls: Calls, bytes: &[u8]) -> wasmtime::Result<Component> {
        Component::new(&self.wasmtime, blocking::fit(bytes, calls)?)
    }
}

impl Machines {
    fn tick(&self) {
        for machine in [&self.blocking, &self.concurrent] {
            if let Some(Ok(machine)) = machine.get() {
                machine.wasmtime.increment_epoch();
            }
        }
    }
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
    /// Starts the thread that ticks; it ends with the engine. To be called within the I/O runtime, which
    /// what guests send to other hosts then goes by.
    ///
    /// # Errors
    /// What the system says where it has no thread left; that there is no runtime, or no TLS.
    pub fn new(memory: Memory, guest_memory: usize, guests: tokio::runtime::Handle) -> std::io::Result<Arc<Self>> {
        let machines = Arc::new(Machines::default());
        let ticked = Arc::downgrade(&machines);
        let clock = Clock::start(move || ticked.upgrade().map(|machines| machines.tick()).is_some())?;
        let io = tokio::runtime::Handle::try_current().map_err(std::io::Error::other)?;
        let outbound = Client::new(io).map_err(std::io::Error::other)?;
        let pinned_max = pinned_max();
        let engine = Arc::new(Self {
            machines,
            warm: Warm::default(),
            pools: Mutex::default(),
            memory: Arc::new(LinearMemory::new(guest_memory)),
            guests: Arc::new(Guests { runtime: guests, clock }),
            outbound: Arc::new(outbound),
            feed: Arc::default(),
            slots: Arc::new(Semaphore::new(limits::INSTANCES_MAX)),
            pinned: Arc::new(Semaphore::new(pinned_max)),
            pinned_max,
            keeps_instances: memory == Memory::Keep,
            next_uid: AtomicU64::new(1),
            created: AtomicU64::new(0),
            evicted: AtomicU64::new(0),
        });
        let others = Arc::downgrade(&engine);
        engine.memory.relieved_by(move || others.upgrade().is_some_and(|engine| engine.evict()));
        Ok(engine)
    }

    /// The machine for components of this kind.
    pub(super) fn machine(&self, calls: Calls) -> wasmtime::Result<&Machine> {
        let machine = match calls {
            Calls::Blocking => &self.machines.blocking,
            Calls::Concurrent => &self.machines.concurrent,
        };
        let made = machine.get_or_init(|| Machine::new(calls).map_err(|error| format!("{error:#}")));
        made.as_ref().map_err(|error| wasmtime::Error::msg(error.clone()))
    }

    /// Drops the warm instances that have been idle for [`limits::WARM`]; to be called every
    /// [`limits::SWEEP`].
    pub fn sweep(&self) {
        let sweeps = limits::WARM.as_secs() / limits::SWEEP.as_secs();
        self.warm.sweep(sweeps);
        self.all_pools().iter().for_each(|pool| pool.sweep(sweeps));
    }

    /// Warm instances now.
    pub fn warm_len(&self) -> usize {
        self.warm.len() + self.all_pools().iter().map(|pool| pool.len()).sum::<usize>()
    }

    /// The linear memory of all instances.
    pub fn memory(&self) -> &Arc<LinearMemory> {
        &self.memory
    }

    /// A pool for a handler, swept for as long as that has it.
    pub(super) fn pool(&self) -> Arc<Pool> {
        let pool = Arc::<Pool>::default();
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        pools.retain(|pool| pool.strong_count() > 0);
        pools.push(Arc::downgrade(&pool));
        pool
    }

    fn all_pools(&self) -> Vec<Arc<Pool>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(Weak::upgrade).collect()
    }

    /// Drops an instance that serves nobody now; whether there was one.
    fn evict(&self) -> bool {
        let evicted = self.warm.evict() || self.all_pools().iter().any(|pool| pool.evict());
        self.evicted.fetch_add(u64::from(evicted), Ordering::Relaxed);
        evicted
    }

    /// How many instances there are and were.
    pub fn instances(&self) -> Instances {
        Instances {
            live: limits::INSTANCES_MAX - self.slots.available_permits(),
            warm: self.warm_len(),
            pinned: self.pinned_max - self.pinned.available_permits(),
            created: self.created.load(Ordering::Relaxed),
            evicted: self.evicted.load(Ordering::Relaxed),
            memory_bytes: self.memory.used(),
            memory_bytes_max: self.memory.bytes_max(),
        }
    }

    /// Where what happens to guests is told.
    pub fn feed(&self) -> &Arc<Feed> {
        &self.feed
    }

    /// How requests of guests leave this process.
    pub fn outbound(&self) -> &Arc<Client> {
        &self.outbound
    }

    pub(super) fn keeps_instances(&self) -> bool {
        self.keeps_instances
    }

    pub(super) fn next_uid(&self) -> u64 {
        self.next_uid.fetch_add(1, Ordering::Relaxed)
    }

    /// A place for an instance; past the bound one that serves nobody now makes room, the least recently used first, and
    /// where there is none the event waits.
    pub(super) async fn slot(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(slot) = self.slots.clone().try_acquire_owned() {
            return Some(slot);
        }
        self.evict();
        self.slots.clone().acquire_owned().await.ok()
    }

    /// Counts an instance that was made.
    pub(super) fn created(&self) {
        self.created.fetch_add(1, Ordering::Relaxed);
    }

    /// A place for a loop-style instance.
    pub(super) fn pin(&self) -> Result<OwnedSemaphorePermit, usize> {
        self.pinned.clone().try_acquire_owned().map_err(|_| self.pinned_max)
    }
}

/// Makes both engines as a host does, and drops them: whether this system gives them the address space.
///
/// # Errors
/// What the system says.
pub fn probe() -> Result<(), String> {
    let made = [Calls::Blocking, Calls::Concurrent].map(Machine::new);
    made.into_iter().try_for_each(|machine| machine.map(drop)).map_err(|error| format!("{error:#}"))
}

/// What distinguishes compiled code of this build: part of the cache key.
pub(super) fn compatibility(engine: &wasmtime::Engine) -> u64 {
    use std::hash::{Hash, Hasher};
    let mut hasher = std::hash::DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

/// What code is compiled for. How instances are allocated makes no difference to it.
pub(super) fn config(calls: Calls) -> Config {
    let mut config = Config::new();
    config
        .concurrency_support(calls == Calls::Concurrent)
        .epoch_interruption(true)
        .max_wasm_stack(limits::WASM_STACK_BYTES)
        .async_stack_size(limits::ASYNC_STACK_BYTES);
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
        .linear_memory_keep_resident(limits::MEMORY_BYTES_LEFT)
        .table_keep_resident(64 * limits::KIB)
        .async_stack_keep_resident(64 * limits::KIB)
        .pagemap_scan(Enabled::Auto);
    pool
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
