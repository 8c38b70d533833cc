//! What a session's holder knows: whose it is, what the peer has of it, what is not saved yet. No I/O, no clock.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::SessionError;
use crate::event::WebsocketId;
use crate::session::db::SessionDb;
use crate::session::overlay::Overlay;
use crate::session::{Record, SessionId, SessionKey};

/// What others may change: a new id, the end.
pub(in crate::session) struct Shared {
    pub(super) state: Mutex<State>,
}

pub(super) struct State {
    pub(super) identity: Identity,
    pub(super) head: Head,
    pub(super) flushed: bool,
    /// The cookie carries the session, and what the peer holds is not it any more.
    pub(super) resend: bool,
    pub(super) snapshot: Option<Arc<Record>>,
    pub(super) overlay: Option<Box<Overlay>>,
    /// The websocket that holds it, and what that does when the session is flushed by another.
    pub(super) websocket: Option<(WebsocketId, Box<dyn Fn() + Send + Sync>)>,
}

/// Whose session it is.
pub(super) enum Identity {
    /// Not opened yet, or not openable: what the peer presented, if anything.
    Unknown(Option<Box<SessionId>>),
    Known(Box<Known>),
    /// By its key alone: nobody is there who could be given a cookie.
    Stored(SessionKey),
}

impl Identity {
    pub(super) fn key(&self) -> Option<SessionKey> {
        match self {
            Self::Unknown(_) => None,
            Self::Known(known) => Some(known.id.key()),
            Self::Stored(key) => Some(*key),
        }
    }
}

pub(super) struct Known {
    pub(super) id: SessionId,
    pub(super) peer: Peer,
}

/// Whether the peer can come back with the id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Peer {
    /// It presented it, or a head that left gave it.
    Holds,
    /// It was minted here and must go with the head.
    Lacks,
    /// As `Lacks`, and something is saved under it.
    Owed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    Here,
    Left,
}

/// What the head that is about to leave does to the cookie.
#[derive(Debug, PartialEq, Eq)]
pub enum CookieAction {
    /// Nothing.
    Leave,
    /// Sets it to this value.
    Set(String),
    /// Takes it back.
    Expire,
}

impl Shared {
    /// The session has another id now.
    pub(in crate::session) fn follow(&self, old: SessionKey, new: &SessionId) {
        match &mut self.state().identity {
            Identity::Known(known) if known.id.key() == old => known.id = new.clone(),
            Identity::Stored(key) if *key == old => *key = new.key(),
            _ => {}
        }
    }

    /// Another holder has flushed the session.
    pub(in crate::session) fn flushed_elsewhere(&self) {
        let act = {
            let mut state = self.state();
            state.end();
            state.websocket.take()
        };
        // It may ask of the session.
        if let Some((_, act)) = act {
            act();
        }
    }

    /// The websocket that holds it.
    pub(in crate::session) fn websocket(&self) -> Option<WebsocketId> {
        self.state().websocket.as_ref().map(|(id, _)| *id)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    pub(super) fn not_flushed(&self) -> Result<(), SessionError> {
        if self.flushed { Err(SessionError::Deleted) } else { Ok(()) }
    }

    pub(super) fn end(&mut self) {
        self.flushed = true;
        self.snapshot = None;
        self.overlay = None;
    }

    /// Whether the peer came with an id.
    pub(super) fn was_held(&self) -> bool {
        match &self.identity {
            Identity::Known(known) => known.peer == Peer::Holds,
            Identity::Unknown(presented) => presented.is_some(),
            Identity::Stored(_) => false,
        }
    }

    /// The key to save under, if the peer has the id or will.
    pub(super) fn saving_key(&self, carried: bool) -> Result<SessionKey, SessionError> {
        match &self.identity {
            Identity::Known(_) if carried && self.head == Head::Left => Err(SessionError::CookieUnreachable),
            Identity::Known(known) if known.peer == Peer::Holds || self.head == Head::Here => Ok(known.id.key()),
            Identity::Stored(key) => Ok(*key),
            _ => Err(SessionError::CookieUnreachable),
        }
    }

    pub(super) fn saved(&mut self) {
        if let Identity::Known(known) = &mut self.identity
            && known.peer == Peer::Lacks
        {
            known.peer = Peer::Owed;
        }
    }

    pub(super) fn head_action(&self, every_request: bool, modified: bool, db: &dyn SessionDb) -> CookieAction {
        let (Identity::Known(known), Some(record)) = (&self.identity, &self.snapshot) else {
            return CookieAction::Leave;
        };
        let empty = record.values.is_empty();
        match known.peer {
            Peer::Holds if modified && empty => CookieAction::Expire,
            Peer::Holds if modified || self.resend || (every_request && !empty) => {
                CookieAction::Set(db.cookie(&known.id))
            }
            Peer::Owed if !empty => CookieAction::Set(db.cookie(&known.id)),
            _ => CookieAction::Leave,
        }
    }
}
