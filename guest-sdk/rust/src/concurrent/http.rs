//! Exchanges, with operations to be awaited. Each says the same as its plain namesake.

use std::ops::Deref;

use serde::de::DeserializeOwned;

use super::Session;
use crate::bindings::awaited::wit::http;
use crate::error::{Error, Result};
use crate::http::{Answer, BODY_BYTES_MAX, Response};
use crate::query::Query;
use crate::websocket::fields;

/// As [`Request`](crate::Request), to which it derefs for all that does not wait.
#[derive(Debug)]
pub struct Request {
    id: u64,
    plain: crate::Request,
}

/// As [`BodyWriter`](crate::BodyWriter).
#[derive(Debug)]
#[must_use = "a body that is not finished is aborted"]
pub struct BodyWriter {
    id: u64,
}

impl Request {
    #[doc(hidden)]
    pub fn new(id: u64) -> Self {
        Self { id, plain: crate::Request::new(id) }
    }

    /// As [`Request::read`](crate::Request::read).
    ///
    /// # Errors
    /// As there.
    pub async fn read(&self) -> Result<Option<Vec<u8>>> {
        Ok(http::read(self.id, u64::MAX).await?)
    }

    /// As [`Request::bytes`](crate::Request::bytes).
    ///
    /// # Errors
    /// As there.
    pub async fn bytes(&self, limit: usize) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        while let Some(part) = self.read().await? {
            body.extend(part);
            if body.len() > limit {
                return Err(Error::TooLarge { actual: body.len() as u64, limit: limit as u64 });
            }
        }
        Ok(body)
    }

    /// As [`Request::text`](crate::Request::text).
    ///
    /// # Errors
    /// As there.
    pub async fn text(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.bytes(BODY_BYTES_MAX).await?).into_owned())
    }

    /// As [`Request::json`](crate::Request::json).
    ///
    /// # Errors
    /// As there.
    pub async fn json<T: DeserializeOwned>(&self) -> Result<T> {
        Ok(serde_json::from_slice(&self.bytes(BODY_BYTES_MAX).await?)?)
    }

    /// As [`Request::form`](crate::Request::form).
    ///
    /// # Errors
    /// As there.
    pub async fn form(&self) -> Result<Query> {
        Ok(Query::parse(&self.text().await?))
    }

    /// As [`Request::session`](crate::Request::session).
    ///
    /// # Errors
    /// As there.
    pub async fn session(&self) -> Result<Session> {
        Session::open(self.id).await
    }

    /// As [`Request::start`](crate::Request::start).
    ///
    /// # Errors
    /// As there.
    pub async fn start(&self, status: u16, headers: &[(&str, &str)]) -> Result<BodyWriter> {
        http::send_start(self.id, http::Response { status, headers: fields(headers) }).await?;
        Ok(BodyWriter { id: self.id })
    }

    /// As [`Request::send_raw`](crate::Request::send_raw).
    ///
    /// # Errors
    /// As there.
    pub async fn send_raw(&self, response: impl Into<Vec<u8>>, close: bool) -> Result<()> {
        Ok(http::send_raw(self.id, response.into(), close).await?)
    }

    /// As [`Request::respond`](crate::Request::respond).
    ///
    /// # Errors
    /// As there.
    pub async fn respond(&self, response: Response) -> Result<()> {
        match response.0 {
            Answer::Whole { status, headers, body } => {
                Ok(http::send(self.id, http::Response { status, headers }, body).await?)
            }
            Answer::Streamed => Ok(()),
        }
    }
}

impl Deref for Request {
    type Target = crate::Request;

    fn deref(&self) -> &crate::Request {
        &self.plain
    }
}

impl BodyWriter {
    /// As [`BodyWriter::write`](crate::BodyWriter::write).
    ///
    /// # Errors
    /// As there.
    pub async fn write(&self, part: impl Into<Vec<u8>>) -> Result<()> {
        Ok(http::send_chunk(self.id, part.into()).await?)
    }

    /// As [`BodyWriter::finish`](crate::BodyWriter::finish).
    ///
    /// # Errors
    /// As there.
    pub async fn finish(self) -> Result<()> {
        Ok(http::send_finished(self.id).await?)
    }
}
