//! Frames: each WebSocket message is a line of JSON, its head, and a payload where there is one, after a line feed.

use bytestring::ByteString;
use serde::Deserialize;

use crate::event::Message;
use crate::limits;

/// The head of a message, and the line feed.
const MESSAGE: &[u8] = b"{}\n";

/// What the peer has sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// A message for the handler.
    Message(Message),
    /// It has all messages up to this number.
    Acknowledge(u64),
}

/// Why a frame cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFrame {
    /// Its head is too long, or its end is missing.
    #[error("a frame of {0} bytes has no head within the limit of {limit}", limit = limits::RESUME_HEAD_BYTES_MAX)]
    NoHead(usize),
    /// It is no JSON object, or one that says nothing.
    #[error("the head of a frame is not one of docs/resume.md")]
    BadHead,
}

/// What a head may say; other keys are for later versions.
#[derive(Deserialize)]
struct Head {
    ack: Option<u64>,
}

/// The frame of a message: its head, then its payload.
#[must_use]
pub fn message(payload: &Message) -> Message {
    with_head(MESSAGE, payload)
}

/// What the frame of a publication says of it.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// To which group.
    pub group: &'a str,
    /// Its number in the group's history.
    pub offset: Option<u64>,
    /// Whether it tells who came and who went.
    pub presence: bool,
}

/// The frame of a publication: the same for all members.
#[must_use]
pub fn publication(about: About<'_>, payload: &Message) -> Message {
    let About { group, offset, presence } = about;
    let offset = offset.map(|offset| format!(r#","offset":{offset}"#)).unwrap_or_default();
    let presence = if presence { r#","presence":true"# } else { "" };
    with_head(format!("{{\"group\":{}{offset}{presence}}}\n", quoted(group)).as_bytes(), payload)
}

/// The frame that tells the peer that it is in a group, where that stands (epoch and offset), and whether all that was published
/// since the position that it offered has come before this.
#[must_use]
pub fn joined(group: &str, position: Option<(u64, u64)>, recovered: bool) -> Message {
    let position =
        position.map(|(epoch, offset)| format!(r#","epoch":"{epoch:x}","offset":{offset}"#)).unwrap_or_default();
    Message::Text(format!(r#"{{"joined":{}{position},"recovered":{recovered}}}"#, quoted(group)).into())
}

/// The frame that tells the peer that it is in a group no more.
#[must_use]
pub fn left(group: &str) -> Message {
    Message::Text(format!(r#"{{"left":{}}}"#, quoted(group)).into())
}

/// The frame that tells the peer that all of its messages up to this number are done with.
#[must_use]
pub fn acknowledge(number: u64) -> Message {
    Message::Text(format!(r#"{{"ack":{number}}}"#).into())
}

/// Reads a frame of the peer. The payload shares its bytes.
///
/// # Errors
/// [`BadFrame`].
pub fn read(frame: &Message) -> Result<Frame, BadFrame> {
    let bytes = frame.as_bytes();
    if bytes.starts_with(MESSAGE) {
        return Ok(Frame::Message(after(frame, MESSAGE.len())));
    }
    let end = bytes.iter().take(limits::RESUME_HEAD_BYTES_MAX).position(|byte| *byte == b'\n');
    let head = match end {
        Some(end) => bytes.get(..end).unwrap_or_default(),
        None if bytes.len() < limits::RESUME_HEAD_BYTES_MAX => bytes,
        None => return Err(BadFrame::NoHead(bytes.len())),
    };
    // An array would be read as the fields of one.
    let object = Some(head).filter(|head| head.trim_ascii_start().starts_with(b"{")).ok_or(BadFrame::BadHead)?;
    let Head { ack } = serde_json::from_slice(object).map_err(|_| BadFrame::BadHead)?;
    match (ack, end) {
        (Some(number), None) => Ok(Frame::Acknowledge(number)),
        (None, Some(end)) => Ok(Frame::Message(after(frame, end + 1))),
        _ => Err(BadFrame::BadHead),
    }
}

fn with_head(head: &[u8], payload: &Message) -> Message {
    let bytes = [head, payload.as_bytes()].concat();
    match payload {
        Message::Binary(_) => Message::Binary(bytes.into()),
        Message::Text(_) => match ByteString::try_from(bytes) {
            Ok(text) => Message::Text(text),
            // A head is ASCII, a payload UTF-8.
            Err(_) => Message::Text(ByteString::new()),
        },
    }
}

fn quoted(text: &str) -> serde_json::Value {
    text.into()
}

/// What follows so many bytes.
fn after(frame: &Message, head: usize) -> Message {
    match frame {
        Message::Binary(bytes) => Message::Binary(bytes.slice(head.min(bytes.len())..)),
        // They end with a line feed, so a character begins there.
        Message::Text(text) => Message::Text(text.slice_ref(text.get(head..).unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Message {
        Message::Text(text.into())
    }

    #[test]
    fn message_framed_reads_back_in_both_kinds() {
        for payload in [text(""), text("é\n{}"), Message::Binary(vec![0xff, b'\n'].into())] {
            assert_eq!(read(&message(&payload)), Ok(Frame::Message(payload)));
        }
    }

    #[test]
    fn head_of_a_publication_is_json_whatever_the_name() {
        let about = About { group: "a\"\n", offset: Some(3), presence: false };
        assert_eq!(publication(about, &text("b")), text("{\"group\":\"a\\\"\\n\",\"offset\":3}\nb"));
        let binary = Message::Binary(vec![0xff].into());
        let expected = [b"{\"group\":\"g\",\"presence\":true}\n".as_slice(), &[0xff]].concat();
        let about = About { group: "g", offset: None, presence: true };
        assert_eq!(publication(about, &binary), Message::Binary(expected.into()));
        let at = text(r#"{"joined":"g","epoch":"ff","offset":2,"recovered":true}"#);
        assert_eq!(joined("g", Some((255, 2)), true), at);
        assert_eq!(joined("g", None, false), text(r#"{"joined":"g","recovered":false}"#));
        assert_eq!(left("g"), text(r#"{"left":"g"}"#));
    }

    #[test]
    fn head_with_keys_of_later_versions_is_read() {
        assert_eq!(read(&text("{ \"x\": [1] }\na")), Ok(Frame::Message(text("a"))));
        assert_eq!(read(&text(r#"{"ack":7,"x":1}"#)), Ok(Frame::Acknowledge(7)));
        assert_eq!(read(&acknowledge(u64::MAX)), Ok(Frame::Acknowledge(u64::MAX)));
    }

    #[test]
    fn frame_without_a_head_of_ours_is_refused() {
        for wrong in
            ["", "\n", "a", "[1]", "{}", "{\"ack\":1}\n", "{\"ack\":-1}", "{\"ack\":\"1\"}", "hello\nworld", "{}x\n"]
        {
            assert_eq!(read(&text(wrong)), Err(BadFrame::BadHead), "{wrong:?}");
        }
        let long = " ".repeat(limits::RESUME_HEAD_BYTES_MAX);
        assert_eq!(read(&text(&(long.clone() + "{}\n"))), Err(BadFrame::NoHead(long.len() + 3)));
    }
}
