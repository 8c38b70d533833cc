//! Who is connected, to be awaited. Each says the same as its plain namesake in [`connections`](crate::connections).

use std::time::Duration;

pub use crate::connections::{Connection, Delivery, Selection};

use crate::bindings::awaited::wit::connections as wit;
use crate::connections::PAGE;
use crate::error::Result;
use crate::message::Message;
use crate::state::Queued;

/// As [`connections::count`](crate::connections::count).
///
/// # Errors
/// As there.
pub async fn count(which: Selection) -> Result<u64> {
    Ok(wit::count(which.into()).await?)
}

/// As [`connections::list`](crate::connections::list), to be asked for each.
#[must_use]
pub fn list(which: Selection) -> List {
    List { which, page: Vec::new().into_iter(), next: Some(None) }
}

/// The list that [`list`] begins.
#[derive(Debug)]
pub struct List {
    which: Selection,
    page: std::vec::IntoIter<Connection>,
    /// Where the next page begins; none after the last.
    next: Option<Option<u64>>,
}

impl List {
    /// The next; none at the end.
    ///
    /// # Errors
    /// As [`count`]; after it, it is at its end.
    pub async fn next(&mut self) -> Result<Option<Connection>> {
        if let Some(connection) = self.page.next() {
            return Ok(Some(connection));
        }
        let Some(after) = self.next.take() else { return Ok(None) };
        let page = page(self.which.clone(), after, PAGE).await?;
        self.next = page.last().map(|last| Some(last.id));
        self.page = page.into_iter();
        Ok(self.page.next())
    }
}

/// As [`connections::page`](crate::connections::page).
///
/// # Errors
/// As there.
pub async fn page(which: Selection, after: Option<u64>, limit: u32) -> Result<Vec<Connection>> {
    Ok(wit::list(which.into(), after, limit).await?.into_iter().map(Into::into).collect())
}

/// As [`connections::lookup`](crate::connections::lookup).
///
/// # Errors
/// As there.
pub async fn lookup(id: u64) -> Result<Option<Connection>> {
    Ok(wit::lookup(id).await?.map(Into::into))
}

/// As [`connections::send_to`](crate::connections::send_to).
///
/// # Errors
/// As there.
pub async fn send_to(id: u64, message: impl Into<Message>) -> Result<Queued> {
    Ok(wit::send_to(id, message.into().into()).await?.into())
}

/// As [`connections::send_to_all`](crate::connections::send_to_all).
///
/// # Errors
/// As there.
pub async fn send_to_all(which: Selection, message: impl Into<Message>) -> Result<Delivery> {
    Ok(wit::send_to_all(which.into(), message.into().into()).await?.into())
}

/// As [`connections::ping`](crate::connections::ping).
///
/// # Errors
/// As there.
pub async fn ping(id: u64) -> Result<Duration> {
    Ok(Duration::from_nanos(wit::ping(id).await?))
}

/// As [`connections::close`](crate::connections::close).
///
/// # Errors
/// As there.
pub async fn close(id: u64, code: u16, reason: &str) -> Result<()> {
    Ok(wit::close(id, code, reason.to_owned()).await?)
}
