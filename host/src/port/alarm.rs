//! What a guest holds of one alarm that rings: its id, the CPU of its call, and the session that it is of.

use std::sync::Arc;

use crate::event::AlarmId;
use crate::meter::Meter;
use crate::session::SessionBinding;

/// One alarm that rings, as its handler sees it.
#[derive(Debug)]
pub struct AlarmPort {
    /// Its id, of this call.
    pub id: AlarmId,
    /// The session, where it is one's.
    pub session: Option<Arc<SessionBinding>>,
    /// The CPU of its call.
    pub meter: Arc<Meter>,
}

impl AlarmPort {
    /// An alarm that is about to ring.
    pub fn new(session: Option<SessionBinding>) -> Self {
        let session = session.map(Arc::new);
        Self { id: AlarmId::mint(), session, meter: Arc::default() }
    }
}
