//! One table of host functions for both kinds of engine.
//!
//! Each interface is a list of WIT name → closure. A closure that may wait returns a future that
//! holds what it needs and no part of the store, so that the same one serves a guest that awaits
//! and a guest that blocks.

use std::future::Future;

use wasmtime::Result;
use wasmtime::component::{ComponentNamedList, Lift, Linker, LinkerInstance, Lower};

use super::{GuestState, alarms, connections, groups, http, misc, qualified, raw, session, types, websocket};

/// How a component calls, and is called, by `async func`s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calls {
    /// By the async ABI somewhere: several of its calls may wait at once.
    Concurrent,
    /// By the sync ABI everywhere: each call waits in its place.
    Blocking,
}

/// Puts every function of the package into a linker.
///
/// # Errors
/// What wasmtime says of a name that is there already.
pub fn link(linker: &mut Linker<GuestState>, calls: Calls) -> Result<()> {
    for (name, table) in [
        ("types", types::link as fn(&mut Interface<'_>) -> Result<()>),
        ("websocket", websocket::link),
        ("raw", raw::link),
        ("http", http::link),
        ("session", session::link),
        ("groups", groups::link),
        ("connections", connections::link),
        ("alarms", alarms::link),
        ("time", misc::link_time),
        ("log", misc::link_log),
    ] {
        table(&mut Interface { linker: linker.instance(&qualified(name))?, calls })?;
    }
    Ok(())
}

/// One interface of a linker.
pub(super) struct Interface<'a> {
    linker: LinkerInstance<'a, GuestState>,
    calls: Calls,
}

impl Interface<'_> {
    /// A `func`: answers at once. Parameters and results are lists, as the linker's.
    pub(super) fn now<P, R>(
        &mut self,
        name: &str,
        call: impl Fn(&mut GuestState, P) -> Result<R> + Send + Sync + 'static,
    ) -> Result<()>
    where
        P: ComponentNamedList + Lift + 'static,
        R: ComponentNamedList + Lower + 'static,
    {
        self.linker.func_wrap(name, move |mut store, params| call(store.data_mut(), params))
    }

    /// An `async func`: `begin` looks up what the call is about, its future does the work.
    pub(super) fn wait<P, R, F>(
        &mut self,
        name: &str,
        begin: impl Fn(&mut GuestState, P) -> Result<F> + Send + Sync + 'static,
    ) -> Result<()>
    where
        P: ComponentNamedList + Lift + 'static,
        R: ComponentNamedList + Lower + 'static,
        F: Future<Output = R> + Send + 'static,
    {
        match self.calls {
            Calls::Concurrent => self.linker.func_wrap_concurrent(name, move |accessor, params| {
                let begun = accessor.with(|mut access| begin(access.data_mut(), params));
                Box::pin(async move { Ok(begun?.await) })
            }),
            Calls::Blocking => self.linker.func_wrap_async(name, move |mut store, params| {
                let begun = begin(store.data_mut(), params);
                Box::new(async move { Ok(begun?.await) })
            }),
        }
    }
}
