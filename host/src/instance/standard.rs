//! Calls of standard handlers: `wasi:http/incoming-handler@0.2` and `wasi:http/handler@0.3`.
//!
//! Both may answer early and stream on: 0.2 sets its response during the call, 0.3 returns it and runs on as
//! tasks of its own. An exchange lasts until the call, or the last task, has ended.

use std::sync::Arc;

use wasmtime::component::TypedFunc;

use super::{Instance, fault};
use crate::bindings::standard::{self, Failure, HandleParams, HandleResult, IncomingParams};
use crate::failure::Fault;
use crate::port::exchange::ExchangePort;

/// `handle` of 0.2.
pub(super) type Incoming = TypedFunc<IncomingParams, ()>;

/// `handle` of 0.3.
pub(super) type Handle = TypedFunc<HandleParams, HandleResult>;

impl Instance {
    pub(super) async fn handle_incoming(&mut self, handle: Incoming, port: &Arc<ExchangePort>) -> Result<(), Fault> {
        let (params, mut failure) = match self.store.data_mut().incoming(port) {
            Ok(begun) => begun,
            Err(error) => return Err(fault(&error, self.store.data())),
        };
        let called = handle.call_async(&mut self.store, params).await;
        match (called, failure.try_recv().ok()) {
            (Ok(()), None) => Ok(()),
            (Ok(()), Some(failure)) => Err(Fault::Failed(failure)),
            (Err(error), None) => Err(fault(&error, self.store.data())),
            // A guest may well trap because its answer was refused.
            (Err(error), Some(failure)) => Err(fault(&error.context(failure), self.store.data())),
        }
    }

    pub(super) async fn handle_standard(&mut self, handle: Handle, port: &Arc<ExchangePort>) -> Result<(), Fault> {
        match self.run_standard(handle, port).await {
            Ok(answered) => answered.map_err(Fault::Failed),
            Err(error) => Err(fault(&error, self.store.data())),
        }
    }

    async fn run_standard(
        &mut self,
        handle: Handle,
        port: &Arc<ExchangePort>,
    ) -> wasmtime::Result<Result<(), Failure>> {
        let params = self.store.data_mut().handle(port)?;
        let ran = self.store.run_concurrent(async |accessor| {
            let (response,) = handle.call_concurrent(accessor, params).await?;
            let answered = match response {
                Ok(response) => accessor.with(|access| standard::returned(access, response, port))?,
                Err(code) => Err(format!("{code:?}")),
            };
            std::future::poll_fn(|cx| accessor.poll_no_interesting_tasks(cx)).await;
            Ok(answered)
        });
        ran.await?
    }
}
