//! WIT `types`: the getters of a request's head.

use std::time::UNIX_EPOCH;

use wasmtime::Result;

use super::link::Interface;

pub(super) fn link(types: &mut Interface<'_>) -> Result<()> {
    types.now("method", |state, (of,): (u64,)| Ok((state.head(of)?.method().to_string(),)))?;
    types.now("scheme", |state, (of,): (u64,)| Ok((state.head(of)?.scheme().to_owned(),)))?;
    types.now("authority", |state, (of,): (u64,)| Ok((state.head(of)?.authority(),)))?;
    types.now("path", |state, (of,): (u64,)| Ok((state.head(of)?.path().to_owned(),)))?;
    types.now("query", |state, (of,): (u64,)| Ok((state.head(of)?.query().map(str::to_owned),)))?;
    types.now("params", |state, (of,): (u64,)| Ok((state.head(of)?.params(),)))?;
    types.now("headers", |state, (of,): (u64,)| Ok((state.head(of)?.headers(),)))?;
    types.now("header", |state, (of, name): (u64, String)| Ok((state.head(of)?.values(&name),)))?;
    types.now("version", |state, (of,): (u64,)| Ok((state.head(of)?.version().to_owned(),)))?;
    types.now("peer-address", |state, (of,): (u64,)| Ok((state.head(of)?.peer().to_string(),)))?;
    types.now("local-address", |state, (of,): (u64,)| Ok((state.head(of)?.local().to_string(),)))?;
    types.now("started-at", |state, (of,): (u64,)| {
        let since = state.head(of)?.started().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok((u64::try_from(since.as_nanos()).unwrap_or(u64::MAX),))
    })
}
