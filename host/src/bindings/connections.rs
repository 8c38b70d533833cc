//! WIT `connections`.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use wasmtime::Result;

use super::link::Interface;
use super::session::Holder;
use super::websocket::{nanos, queued};
use super::wit::connections::{Activity, Connection, Delivery, Error, Selection};
use super::wit::types::Message;
use super::wit::websocket::Queued;
use super::{GuestState, Identity, excess};
use crate::event::{self, WebsocketId};
use crate::limits;
use crate::outbox::Pushed;
use crate::port::live;
use crate::port::websocket::{self, WebsocketError, WebsocketPort};

pub(super) fn link(connections: &mut Interface<'_>) -> Result<()> {
    connections.wait("count", |state, (which,): (Selection,)| {
        let (identity, which) = asked(state, which)?;
        Ok(async move { (count(&identity, which).await,) })
    })?;
    connections.wait("list", |state, (which, after, limit): (Selection, Option<u64>, u32)| {
        let (identity, which) = asked(state, which)?;
        Ok(async move { (list(&identity, which, after.map(WebsocketId), limit).await,) })
    })?;
    connections.wait("lookup", |state, (id,): (u64,)| {
        let identity = state.identity.clone();
        Ok(async move { (Ok::<_, Error>(identity.live.connected(WebsocketId(id)).map(|port| told(&port))),) })
    })?;
    connections.wait("send-to", |state, (id, message): (u64, Message)| {
        let identity = state.identity.clone();
        Ok(async move { (send_to(&identity, id, message),) })
    })?;
    connections.wait("send-to-all", |state, (which, message): (Selection, Message)| {
        let (identity, which) = asked(state, which)?;
        Ok(async move { (send_to_all(&identity, which, message.into()).await,) })
    })?;
    connections.wait("ping", |state, (id,): (u64,)| {
        let identity = state.identity.clone();
        Ok(async move { (ping(&identity, id).await,) })
    })?;
    connections.wait("close", |state, (id, code, reason): (u64, u16, String)| {
        let identity = state.identity.clone();
        Ok(async move { (close(&identity, id, code, reason),) })
    })
}

type Answer<T> = std::result::Result<T, Error>;

/// What is asked for, with the session that it speaks of.
struct Asked {
    which: Selection,
    holder: Option<Holder>,
}

fn asked(state: &GuestState, which: Selection) -> Result<(Arc<Identity>, Asked)> {
    let holder = which.session_of.map(|of| Holder::find(state, of)).transpose()?;
    Ok((state.identity.clone(), Asked { which, holder }))
}

fn selected(identity: &Identity, asked: Asked) -> Answer<live::Selection> {
    let Selection { route, handler, group, .. } = asked.which;
    let mut selection = live::Selection { route, handler, among: None };
    if let Some(holder) = asked.holder {
        selection.narrow(holder.session().websockets().ok_or(Error::SessionNotOpen)?);
    }
    if let Some(group) = group {
        if !(1..=limits::GROUP_NAME_BYTES_MAX).contains(&group.len()) {
            return Err(Error::InvalidName(excess(group.len(), limits::GROUP_NAME_BYTES_MAX)));
        }
        selection.narrow(identity.groups.ids(&group));
    }
    Ok(selection)
}

async fn count(identity: &Identity, asked: Asked) -> Answer<u64> {
    let which = selected(identity, asked)?;
    let mut count = 0;
    let counted = identity.live.each(&which, None, |_| {
        count += 1;
        true
    });
    counted.await;
    Ok(count)
}

async fn list(identity: &Identity, asked: Asked, after: Option<WebsocketId>, limit: u32) -> Answer<Vec<Connection>> {
    let which = selected(identity, asked)?;
    let limit = (limit as usize).min(limits::CONNECTIONS_PAGE_MAX);
    let mut page = Vec::new();
    if limit > 0 {
        let listed = identity.live.each(&which, after, |port| {
            page.push(told(port));
            page.len() < limit
        });
        listed.await;
    }
    Ok(page)
}

fn send_to(identity: &Identity, id: u64, message: Message) -> Answer<Queued> {
    let port = connected(identity, id)?;
    let sent = port.try_send(message.into());
    queued(&port, sent).map_err(|error| refused(id, error))
}

async fn send_to_all(identity: &Identity, asked: Asked, message: event::Message) -> Answer<Delivery> {
    if message.len() > identity.message_bytes_max {
        return Err(Error::TooLarge(excess(message.len(), identity.message_bytes_max)));
    }
    let which = selected(identity, asked)?;
    let mut delivery = Delivery { queued: 0, full: 0, gone: 0, too_large: 0 };
    let sent = identity.live.each(&which, None, |port| {
        match port.try_send(message.clone()) {
            Ok(Pushed::Queued(_)) => delivery.queued += 1,
            Ok(Pushed::Full) => delivery.full += 1,
            Err(WebsocketError::TooLarge(..)) => delivery.too_large += 1,
            Ok(Pushed::Gone) | Err(_) => delivery.gone += 1,
        }
        true
    });
    sent.await;
    Ok(delivery)
}

async fn ping(identity: &Identity, id: u64) -> Answer<u64> {
    let port = connected(identity, id)?;
    port.ping().await.map(nanos).map_err(|error| refused(id, error))
}

fn close(identity: &Identity, id: u64, code: u16, reason: String) -> Answer<()> {
    let port = connected(identity, id)?;
    port.start_close(code, reason).map(drop).map_err(|error| refused(id, error))
}

fn connected(identity: &Identity, id: u64) -> Answer<Arc<WebsocketPort>> {
    identity.live.connected(WebsocketId(id)).ok_or(Error::Unknown(id))
}

fn told(port: &WebsocketPort) -> Connection {
    let (activity, why) = match port.activity() {
        websocket::Activity::Awake(why) => (Activity::Awake, why),
        websocket::Activity::Hibernating(why) => (Activity::Hibernating, why),
    };
    Connection {
        id: port.id.0,
        handler: port.rules.handler.to_string(),
        route: port.rules.route.to_string(),
        path: port.head.path().to_owned(),
        state: port.state().into(),
        started_at: nanos(port.head.started().duration_since(UNIX_EPOCH).unwrap_or_default()),
        activity,
        why: why.to_owned(),
        buffered: port.outbox.bytes() as u64,
        subprotocol: port.subprotocol(),
    }
}

/// Why a connected websocket refuses what was asked of it.
fn refused(id: u64, error: WebsocketError) -> Error {
    match error {
        WebsocketError::TooLarge(actual, limit) => Error::TooLarge(excess(actual, limit)),
        WebsocketError::InvalidCode(code) => Error::InvalidCode(code),
        WebsocketError::ReasonTooLong(actual, limit) => Error::ReasonTooLong(excess(actual, limit)),
        WebsocketError::WrongState(illegal) => Error::WrongState(illegal.into()),
        WebsocketError::Disconnected(close) => Error::Disconnected(close.into()),
        // Of a handshake, or of messages that come.
        _ => Error::Unknown(id),
    }
}
