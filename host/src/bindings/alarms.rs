//! WIT `alarms`.

use std::result::Result as StdResult;
use std::sync::Arc;

use wasmtime::Result;

use super::link::Interface;
use super::wit::alarms::{Alarm as WitAlarm, Error, Owner as WitOwner};
use super::{GuestState, Identity, excess};
use crate::alarm::{Alarm, AlarmError, Moment, Owner, Setting};
use crate::limits;

pub(super) fn link(alarms: &mut Interface<'_>) -> Result<()> {
    alarms.wait("set", |state, (of, name, due, payload): (WitOwner, String, u64, Vec<u8>)| {
        let (owner, identity) = (owner(state, &of)?, state.identity.clone());
        Ok(async move { (set(&identity, owner, name, due, payload).await,) })
    })?;
    alarms.wait("cancel", |state, (of, name): (WitOwner, String)| {
        let (owner, identity) = (owner(state, &of)?, state.identity.clone());
        Ok(async move { (cancel(&identity, owner, &name).await,) })
    })?;
    alarms.wait("list", |state, (of, after, limit): (WitOwner, Option<String>, u32)| {
        let (owner, identity) = (owner(state, &of)?, state.identity.clone());
        Ok(async move { (list(&identity, owner, after, limit).await,) })
    })
}

/// Traps for what is not served; a session that cannot be found again has no alarms.
fn owner(state: &GuestState, of: &WitOwner) -> Result<StdResult<Owner, Error>> {
    Ok(match of {
        WitOwner::App => Ok(Owner::App),
        WitOwner::Session(id) => state.session(*id)?.found_by().map(Owner::Session).ok_or(Error::NoSession),
    })
}

async fn set(
    identity: &Arc<Identity>,
    owner: StdResult<Owner, Error>,
    name: String,
    due: u64,
    payload: Vec<u8>,
) -> StdResult<(), Error> {
    if !identity.rings {
        return Err(Error::NoHandler);
    }
    let handler = identity.handler.to_string();
    let setting = Setting { owner: owner?, name, handler, due: Moment(due), payload };
    identity.alarms.set(setting).await.map_err(Error::from)
}

async fn cancel(identity: &Arc<Identity>, owner: StdResult<Owner, Error>, name: &str) -> StdResult<bool, Error> {
    identity.alarms.cancel(owner?, name).await.map_err(Error::from)
}

async fn list(
    identity: &Arc<Identity>,
    owner: StdResult<Owner, Error>,
    after: Option<String>,
    limit: u32,
) -> StdResult<Vec<WitAlarm>, Error> {
    let alarms = identity.alarms.list(owner?, after, limit).await?;
    Ok(alarms.into_iter().map(WitAlarm::from).collect())
}

impl From<Alarm> for WitAlarm {
    fn from(Alarm { setting, failed, .. }: Alarm) -> Self {
        let Setting { name, due, payload, .. } = setting;
        Self { name, due: due.0, payload, attempt: failed.saturating_add(1) }
    }
}

impl From<AlarmError> for Error {
    fn from(error: AlarmError) -> Self {
        match error {
            AlarmError::InvalidName(bytes) => Self::InvalidName(excess(bytes, limits::ALARM_NAME_BYTES_MAX)),
            AlarmError::TooMany(alarms, limit) => Self::TooMany(excess(alarms, limit)),
            AlarmError::TooLarge(bytes) => Self::TooLarge(excess(bytes, limits::ALARM_PAYLOAD_BYTES_MAX)),
            AlarmError::Unavailable(text) => Self::Unavailable(text),
        }
    }
}
