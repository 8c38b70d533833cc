//! What a handler sends and receives: messages of both kinds, and JSON in either.

use std::task::Poll;
use std::time::Duration;

use super::{Style, WebsocketError, WebsocketPort};
use crate::event::{Kind, Message, State};
use crate::failure::close_code;
use crate::outbox::Pushed;
use crate::port::inbox::NoMessage;
use crate::port::lifecycle::{Call, IllegalTransition};
use crate::resume::frame;
use crate::{json, limits};

impl WebsocketPort {
    /// Queues a message, as the handler's overflow policy says: waiting for room, or not.
    ///
    /// # Errors
    /// `WrongState`, `Disconnected`, `TooLarge`; `TimedOut` where the peer took nothing for
    /// [`limits::SEND_WAIT`]: the websocket is then closed with 1013.
    ///
    /// # Cancel safety
    /// Dropped while it waits, the message is not sent.
    pub async fn send(&self, message: Message) -> Result<(), WebsocketError> {
        self.may_send(&message)?;
        let mut slot = Some(self.framed(message));
        let mut pushed = std::future::poll_fn(|cx| self.outbox.poll_push(&mut slot, cx));
        // Most find room at once, and need no timer.
        let at_once = match futures_util::poll!(&mut pushed) {
            Poll::Ready(pushed) => Ok(pushed),
            Poll::Pending => tokio::time::timeout(limits::SEND_WAIT, pushed).await,
        };
        match at_once {
            Ok(Pushed::Queued(_)) => Ok(()),
            Ok(Pushed::Full | Pushed::Gone) => Err(self.send_refused()),
            Err(_) => {
                self.host_close(close_code::TRY_AGAIN, "the peer takes nothing");
                Err(WebsocketError::TimedOut)
            }
        }
    }

    /// Queues a message if there is room, or the policy makes some.
    ///
    /// # Errors
    /// `WrongState`, `Disconnected`, `TooLarge`.
    pub fn try_send(&self, message: Message) -> Result<Pushed, WebsocketError> {
        self.may_send(&message)?;
        Ok(self.outbox.push(self.framed(message)))
    }

    /// Queues text that is JSON, without the blanks between its tokens.
    ///
    /// # Errors
    /// `BadJson`; as [`Self::send`].
    ///
    /// # Cancel safety
    /// As [`Self::send`].
    pub async fn send_json(&self, text: String, mode: Kind) -> Result<(), WebsocketError> {
        let text = json::compact(text).map_err(WebsocketError::BadJson)?;
        let message = match mode {
            Kind::Text => Message::Text(text.into()),
            Kind::Binary => Message::Binary(text.into_bytes().into()),
        };
        self.send(message).await
    }

    /// The next message. Its delivery refills the CPU budget.
    ///
    /// # Errors
    /// `WrongStyle`, `WrongState` before `accept`, `TimedOut`, `Disconnected`, `Retire`.
    ///
    /// # Cancel safety
    /// Dropped while it waits, no message is lost.
    pub async fn receive(&self, timeout: Option<Duration>) -> Result<Message, WebsocketError> {
        let Style::Loop(inbox) = &self.style else { return Err(WebsocketError::WrongStyle) };
        let legal = self.life().lifecycle.receive();
        legal.map_err(WebsocketError::WrongState)?;
        let received = std::future::poll_fn(|cx| inbox.poll_receive(cx));
        let message = match timeout {
            None => received.await,
            Some(span) => match tokio::time::timeout(span, received).await {
                Ok(message) => message,
                Err(_) => return Err(WebsocketError::TimedOut),
            },
        };
        let message = message.map_err(|why| match why {
            NoMessage::Retire => WebsocketError::Retire,
            NoMessage::Ended(close) => WebsocketError::Disconnected(close),
        })?;
        self.meter.refill(self.meter.budget());
        Ok(message)
    }

    /// The text of the next message, which is to be JSON of this kind.
    ///
    /// # Errors
    /// `WrongKind`, `BadJson`: the message is lost; as [`Self::receive`].
    ///
    /// # Cancel safety
    /// As [`Self::receive`].
    pub async fn receive_json(&self, mode: Kind, timeout: Option<Duration>) -> Result<String, WebsocketError> {
        let message = self.receive(timeout).await?;
        let kind = message.kind();
        if kind != mode {
            return Err(WebsocketError::WrongKind(kind));
        }
        json::check(message.as_bytes()).map(str::to_owned).map_err(WebsocketError::BadJson)
    }

    /// A message as this peer gets it: with a head, where it resumes.
    pub fn framed(&self, message: Message) -> Message {
        if self.outbox.holds() { frame::message(&message) } else { message }
    }

    /// The answer to a message that needs no guest; none if it does.
    pub fn auto_response(&self, message: &Message) -> Option<Message> {
        let auto = self.rules.auto_response.as_ref()?;
        match message {
            Message::Text(text) if **text == *auto.request => Some(Message::Text(auto.response.as_str().into())),
            _ => None,
        }
    }

    fn may_send(&self, message: &Message) -> Result<(), WebsocketError> {
        if message.len() > self.rules.message_bytes_max {
            return Err(WebsocketError::TooLarge(message.len(), self.rules.message_bytes_max));
        }
        let life = self.life();
        life.lifecycle.send().map_err(|illegal| life.refusal(illegal))
    }

    /// The outbox takes nothing more: the close is decided, or about to be.
    fn send_refused(&self) -> WebsocketError {
        let life = self.life();
        life.refusal(IllegalTransition { state: State::Closing, call: Call::Send })
    }
}
