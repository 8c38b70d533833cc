//! Both directions of one websocket until its close: stdin's lines out, messages in.
//!
//! The two go on at once: a peer that sends while it is sent to must not wait for us, nor we for it.

use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::Stdin;
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_util::codec::{FramedRead, LinesCodec, LinesCodecError};

use super::dial::Websocket;
use super::screen::Screen;
use crate::limits;

/// How a websocket ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ended {
    /// 1005 where the peer gave none, 1006 where there was no close frame.
    pub(super) code: u16,
    pub(super) reason: String,
}

impl Ended {
    /// Whether that is how a websocket ends when all is well.
    pub(super) fn is_normal(&self) -> bool {
        matches!(self.code, 1000 | 1001 | 1005)
    }

    fn abnormal(reason: impl Into<String>) -> Self {
        Self { code: 1006, reason: reason.into() }
    }
}

/// What ends a websocket from this side.
#[derive(Debug, thiserror::Error)]
pub(super) enum TalkError {
    #[error("stdin: a line exceeds the limit of {} bytes", limits::CONNECT_LINE_BYTES_MAX)]
    LineTooLong,
    #[error("stdin: {0}; lines are sent as text, which is UTF-8")]
    Input(std::io::Error),
    #[error("stdout")]
    Output(#[from] std::io::Error),
}

/// Talks until the close. After stdin's end it closes, once nothing has come for `linger`.
pub(super) async fn run(websocket: Websocket, screen: &Screen, linger: Duration) -> Result<Ended, TalkError> {
    let (sink, stream) = websocket.split();
    let heard = Notify::new();
    let received = receive(stream, screen, &heard);
    let sent = send(sink, screen, &heard, linger);
    tokio::pin!(received, sent);
    tokio::select! {
        ended = &mut received => ended,
        sent = &mut sent => {
            sent?;
            let silent = || Ok(Ended::abnormal(format!("no close came within {} s", limits::CLOSE.as_secs())));
            timeout(limits::CLOSE, received).await.unwrap_or_else(|_| silent())
        }
    }
}

async fn receive(mut stream: SplitStream<Websocket>, screen: &Screen, heard: &Notify) -> Result<Ended, TalkError> {
    loop {
        match stream.next().await {
            Some(Ok(Message::Text(text))) => screen.text(&text)?,
            Some(Ok(Message::Binary(bytes))) => screen.binary(&bytes)?,
            Some(Ok(Message::Close(frame))) => {
                // Our answer to it leaves with the next poll, which ends with the connection.
                let _ended = timeout(limits::CLOSE, stream.next()).await;
                return Ok(ended(frame));
            }
            Some(Ok(_)) => {}
            Some(Err(Error::ConnectionClosed | Error::AlreadyClosed)) | None => {
                return Ok(Ended::abnormal("the connection ended without a close"));
            }
            Some(Err(error)) => return Ok(Ended::abnormal(error.to_string())),
        }
        heard.notify_one();
    }
}

fn ended(frame: Option<CloseFrame>) -> Ended {
    match frame {
        Some(frame) => Ended { code: frame.code.into(), reason: frame.reason.as_str().to_owned() },
        None => Ended { code: 1005, reason: String::new() },
    }
}

/// Where the websocket cannot be written to any more, the other half learns why.
async fn send(
    mut sink: SplitSink<Websocket, Message>,
    screen: &Screen,
    heard: &Notify,
    linger: Duration,
) -> Result<(), TalkError> {
    let mut lines = lines();
    while let Some(line) = lines.next().await {
        let line = line.map_err(|error| match error {
            LinesCodecError::MaxLineLengthExceeded => TalkError::LineTooLong,
            LinesCodecError::Io(error) => TalkError::Input(error),
        })?;
        if sink.send(Message::text(line)).await.is_err() {
            return Ok(());
        }
        screen.prompt()?;
    }
    while timeout(linger, heard.notified()).await.is_ok() {}
    let frame = CloseFrame { code: 1000.into(), reason: "".into() };
    let _gone = sink.send(Message::Close(Some(frame))).await;
    Ok(())
}

fn lines() -> FramedRead<Stdin, LinesCodec> {
    FramedRead::new(tokio::io::stdin(), LinesCodec::new_with_max_length(limits::CONNECT_LINE_BYTES_MAX))
}
