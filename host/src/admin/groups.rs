//! What whoever runs the host publishes to the groups of an app.

use hyper::StatusCode;

use super::api::{Answer, bad, internal};
use super::wire::{Problem, PublishRequest, Published};
use super::{Caller, Desk, reply};
use crate::deploy::Action;
use crate::event::Message;
use crate::group::{Delivery, GroupError};
use crate::limits;

impl Desk {
    /// Publishes, once the audit log says so; what was published it does not say.
    pub(super) async fn publish(&self, app: &str, request: PublishRequest, caller: &Caller) -> Answer {
        let PublishRequest { group, text, binary } = request;
        let app = self.deployer.app(app)?;
        if text.len() > limits::MESSAGE_BYTES_MAX {
            let (bytes, limit) = (text.len(), limits::MESSAGE_BYTES_MAX);
            return Err(Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("a text of {bytes} bytes exceeds the limit of {limit}"),
            ));
        }
        let (audit, by, name) = (self.deployer.audit().clone(), caller.by.clone(), app.name.clone());
        let action = Action::Publish { group: group.clone(), bytes: text.len() };
        let written = tokio::task::spawn_blocking(move || audit.write(&by, &name, &action));
        written.await.map_err(internal)?.map_err(|cause| internal(format!("the audit log: {cause}")))?;
        let message = if binary { Message::Binary(text.into_bytes().into()) } else { Message::Text(text.into()) };
        let delivery = app.groups().publish(&group, message, None).await.map_err(|error| match error {
            GroupError::Unavailable(_) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
            error => bad(error),
        })?;
        let Delivery { queued, full, gone, position } = delivery;
        Ok(reply::json(StatusCode::OK, &Published { queued, full, gone, offset: position.map(|at| at.offset) }))
    }
}
