//! Close frames (RFC 6455 §5.5.1, §7.4).

use super::violation::Violation;
use crate::event::Close;

/// What a close frame says; none where it is empty.
pub(super) fn parse(payload: &[u8]) -> Result<Option<Close>, Violation> {
    if payload.is_empty() {
        return Ok(None);
    }
    let Some((code, reason)) = payload.split_first_chunk() else { return Err(Violation::HalfCode) };
    let code = u16::from_be_bytes(*code);
    if !may_be_sent(code) {
        return Err(Violation::CloseCode(code));
    }
    let reason = std::str::from_utf8(reason).map_err(|_| Violation::NotUtf8)?;
    Ok(Some(Close::new(code, reason)))
}

/// The payload of a close frame.
pub(super) fn payload(close: &Close) -> Vec<u8> {
    [&close.code.to_be_bytes(), close.reason.as_bytes()].concat()
}

/// RFC 6455 §7.4.1 and the registry that it founded, up to 1014; §7.4.2.
fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_frame_is_what_it_was_written_from() {
        let close = Close::new(4321, "grüße");
        assert_eq!(parse(&payload(&close)), Ok(Some(close)));
        assert_eq!(parse(&payload(&Close::new(1000, ""))), Ok(Some(Close::new(1000, ""))));
        assert_eq!(parse(&[]), Ok(None));
    }

    #[test]
    fn close_frame_against_the_rfc_is_refused() {
        assert_eq!(parse(&[3]), Err(Violation::HalfCode));
        assert_eq!(parse(&[3, 0xe8, 0xff]), Err(Violation::NotUtf8));
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] {
            assert_eq!(parse(&payload(&Close::new(code, ""))), Err(Violation::CloseCode(code)));
        }
    }
}
