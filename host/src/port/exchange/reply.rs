//! How far an answer has come: the order of its calls, and the length that it promised.

use std::task::Waker;

use http::StatusCode;
use http::header::{self, HeaderMap, HeaderValue};
use tokio::sync::mpsc;

use super::{Answer, Chunk, ExchangeError, Read};

/// WIT `http.stage`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StageName {
    /// Nothing was answered.
    Unanswered,
    /// The body is being sent.
    Streaming,
    /// All is sent.
    Finished,
}

/// An answer, and who waits for it.
#[derive(Default)]
pub(super) struct Reply {
    pub(super) stage: Stage,
    pub(super) answer: Option<Answer>,
    pub(super) status: Option<StatusCode>,
    pub(super) answered: Option<Waker>,
}

#[derive(Default)]
pub(super) enum Stage {
    #[default]
    Unanswered,
    /// The head is on its way while the session is saved.
    Starting,
    Streaming {
        chunks: mpsc::Sender<Chunk>,
        promised: Option<u64>,
        sent: u64,
    },
    /// All is said; the body is being read.
    Standard(Read),
    Finished,
}

impl Reply {
    pub(super) fn give(&mut self, answer: Answer) {
        self.status = match &answer {
            Answer::Whole(response) => Some(response.status()),
            Answer::Streamed(response) => Some(response.status()),
            Answer::Standard(response) => Some(response.status()),
            Answer::Cancelled => None,
        };
        self.answer = Some(answer);
        if let Some(waker) = self.answered.take() {
            waker.wake();
        }
    }

    /// Where a part of this length goes.
    pub(super) fn chunk(&mut self, len: u64) -> Result<mpsc::Sender<Chunk>, ExchangeError> {
        let Stage::Streaming { chunks, promised, sent } = &mut self.stage else {
            return Err(self.wrong_order());
        };
        match promised {
            Some(promised) if *sent + len > *promised => Err(ExchangeError::LengthMismatch(*sent + len, *promised)),
            _ => {
                *sent += len;
                Ok(chunks.clone())
            }
        }
    }

    /// Aborts a body that is not finished, or says that there will be no answer.
    pub(super) fn cancel(&mut self) -> Result<(), ExchangeError> {
        match self.stage {
            Stage::Unanswered => self.give(Answer::Cancelled),
            Stage::Streaming { .. } => {}
            Stage::Starting | Stage::Standard(_) | Stage::Finished => return Err(self.wrong_order()),
        }
        self.stage = Stage::Finished;
        Ok(())
    }

    pub(super) fn wrong_order(&self) -> ExchangeError {
        ExchangeError::WrongOrder(match self.stage {
            Stage::Unanswered => StageName::Unanswered,
            Stage::Starting | Stage::Streaming { .. } | Stage::Standard(_) => StageName::Streaming,
            Stage::Finished => StageName::Finished,
        })
    }
}

/// The length that a head promises.
pub(super) fn promised(headers: &HeaderMap) -> Result<Option<u64>, ExchangeError> {
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    match (lengths.next().map(HeaderValue::to_str), lengths.next()) {
        (None, _) => Ok(None),
        (Some(Ok(length)), None) => match length.parse() {
            Ok(length) => Ok(Some(length)),
            Err(_) => Err(ExchangeError::InvalidHead(format!("content-length {length:?} is not a number"))),
        },
        _ => Err(ExchangeError::InvalidHead("content-length is not one number".into())),
    }
}
