//! Which extension a handshake agrees on: permessage-deflate (RFC 7692 §7.1), or none.
//!
//! The first offer that can be taken is. One with a parameter that the RFC does not define, that occurs
//! twice or has a value out of its range is declined (§7.1); none of it refuses the handshake. A header
//! that is no list of extensions at all does, since it may be anything (RFC 6455 §9.1).

use http::header::{self, HeaderMap};

use super::{Refusal, quoted_bytes, token};
use crate::websocket::codec::deflate::{Deflate, WINDOW_BITS_MAX, WINDOW_BITS_MIN};

const DEFLATE: &str = "permessage-deflate";

/// What is agreed on, which the answer says.
///
/// # Errors
/// [`Refusal`] with 400.
pub fn agree(headers: &HeaderMap) -> Result<Option<Agreement>, Refusal> {
    let mut agreed = None;
    for value in headers.get_all(header::SEC_WEBSOCKET_EXTENSIONS) {
        let malformed =
            || Refusal::bad(format!("Sec-WebSocket-Extensions is {}, not a list", quoted_bytes(value.as_bytes())));
        for element in split(value.as_bytes(), b',').ok_or_else(malformed)? {
            // A list may have empty elements (RFC 9110 §5.6.1).
            if !element.is_empty() {
                let offer = Offer::parse(element).ok_or_else(malformed)?;
                agreed = agreed.or_else(|| offer.accept());
            }
        }
    }
    Ok(agreed)
}

/// What both sides will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// For the codec.
    pub deflate: Deflate,
    /// Whether the peer asked for a window of ours, so that the answer must name it.
    window_asked: bool,
}

impl Agreement {
    /// The value of `Sec-WebSocket-Extensions` in the 101.
    ///
    /// Each side's window is asked to end with the message, whatever the offer said of it: both may be
    /// answered without having been offered (§7.1.1), and then no websocket holds one.
    #[must_use]
    pub fn answer(&self) -> String {
        let answer = format!("{DEFLATE}; server_no_context_takeover; client_no_context_takeover");
        match self.window_asked {
            true => format!("{answer}; server_max_window_bits={}", self.deflate.server_window_bits),
            false => answer,
        }
    }
}

/// An extension with its parameters.
struct Offer<'h> {
    name: &'h str,
    parameters: Vec<(&'h str, Option<&'h str>)>,
}

impl<'h> Offer<'h> {
    fn parse(element: &'h [u8]) -> Option<Self> {
        let mut parts = split(element, b';')?.into_iter();
        let name = token(parts.next()?)?;
        let parameters = parts.map(parameter).collect::<Option<_>>()?;
        Some(Self { name, parameters })
    }

    fn accept(&self) -> Option<Agreement> {
        if self.name != DEFLATE {
            return None;
        }
        let mut window = None;
        for (index, (name, value)) in self.parameters.iter().enumerate() {
            if self.parameters.iter().take(index).any(|(earlier, _)| earlier == name) {
                return None;
            }
            match (*name, *value) {
                ("server_no_context_takeover" | "client_no_context_takeover" | "client_max_window_bits", None) => {}
                // Ours to allow the peer less; we inflate with the largest window, so it may have that.
                ("client_max_window_bits", Some(bits)) => drop(window_bits(bits)?),
                ("server_max_window_bits", Some(bits)) => window = Some(window_bits(bits)?),
                _ => return None,
            }
        }
        let server_window_bits = window.unwrap_or(WINDOW_BITS_MAX);
        let possible = server_window_bits >= WINDOW_BITS_MIN;
        possible.then_some(Agreement { deflate: Deflate { server_window_bits }, window_asked: window.is_some() })
    }
}

/// 8 to 15, without leading zeros (§7.1.2).
fn window_bits(text: &str) -> Option<u8> {
    (8..=WINDOW_BITS_MAX).find(|bits| bits.to_string() == text)
}

/// A name, and a value that is a token even between quotes (RFC 6455 §9.1).
fn parameter(part: &[u8]) -> Option<(&str, Option<&str>)> {
    let Some(at) = part.iter().position(|byte| *byte == b'=') else { return Some((token(part)?, None)) };
    let (name, value) = (part.get(..at)?.trim_ascii_end(), part.get(at + 1..)?.trim_ascii_start());
    let value = value.strip_prefix(b"\"").map_or(Some(value), |value| value.strip_suffix(b"\""))?;
    Some((token(name)?, Some(token(value)?)))
}

/// The parts between separators that are outside of quotes; none where a quote does not end.
///
/// What is within quotes is a token, so that it has no quote of its own to be escaped.
fn split(bytes: &[u8], separator: u8) -> Option<Vec<&[u8]>> {
    let mut quoted = false;
    let parts = bytes.split(|byte| {
        quoted ^= *byte == b'"';
        *byte == separator && !quoted
    });
    let parts = parts.map(<[u8]>::trim_ascii).collect();
    (!quoted).then_some(parts)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at a surprise")]

    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const TAKEN: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

    fn agreed(offers: &[&str]) -> Result<Option<String>, u16> {
        let values = offers.iter().map(|offer| HeaderValue::from_bytes(offer.as_bytes()).unwrap());
        let headers = values.map(|value| (header::SEC_WEBSOCKET_EXTENSIONS, value)).collect();
        let agreed = agree(&headers).map_err(|refusal| refusal.status.as_u16())?;
        Ok(agreed.map(|agreed| agreed.answer()))
    }

    #[test]
    fn offer_is_answered_without_takeover_and_with_the_window_that_it_asks_for() {
        for offer in [
            "permessage-deflate",
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate;client_max_window_bits=8 ; server_no_context_takeover",
            " permessage-deflate ; client_no_context_takeover; client_max_window_bits=\"15\" ",
            "x-webkit-deflate-frame, permessage-deflate",
            ",permessage-deflate,",
        ] {
            assert_eq!(agreed(&[offer]), Ok(Some(TAKEN.to_owned())), "{offer}");
        }
        for bits in ["9", "12", "15", "\"10\""] {
            let answer = format!("{TAKEN}; server_max_window_bits={}", bits.trim_matches('"'));
            assert_eq!(agreed(&[&format!("permessage-deflate; server_max_window_bits={bits}")]), Ok(Some(answer)));
        }
    }

    #[test]
    fn first_offer_that_can_be_taken_is() {
        let second = Ok(Some(format!("{TAKEN}; server_max_window_bits=10")));
        for first in [
            "permessage-deflate; server_max_window_bits=8",
            "permessage-deflate; unknown",
            "permessage-deflate; server_max_window_bits",
            "permessage-bzip2",
        ] {
            assert_eq!(agreed(&[&format!("{first}, permessage-deflate; server_max_window_bits=10")]), second);
            assert_eq!(agreed(&[first, "permessage-deflate; server_max_window_bits=10"]), second);
        }
        assert_eq!(
            agreed(&["permessage-deflate, permessage-deflate; server_max_window_bits=9"]),
            Ok(Some(TAKEN.into()))
        );
    }

    #[test]
    fn offer_with_a_bad_parameter_is_declined() {
        assert_eq!(agreed(&[]), Ok(None));
        for parameter in [
            "server_max_window_bits=8",
            "server_max_window_bits=7",
            "server_max_window_bits=16",
            "server_max_window_bits=09",
            "server_max_window_bits",
            "client_max_window_bits=16",
            "client_max_window_bits=a",
            "client_no_context_takeover=1",
            "server_no_context_takeover=true",
            "server_no_context_takeover; server_no_context_takeover",
            "foo",
            "foo=1",
        ] {
            assert_eq!(agreed(&[&format!("permessage-deflate; {parameter}")]), Ok(None), "{parameter}");
        }
        assert_eq!(agreed(&["Permessage-Deflate"]), Ok(None), "a name is compared with its case");
    }

    #[test]
    fn header_that_is_no_list_of_extensions_is_refused() {
        for value in [
            "permessage-deflate; ",
            "permessage-deflate; =1",
            "permessage-deflate; a=",
            "permessage-deflate; a=\"1",
            "permessage-deflate; a=\"1, b\"",
            "permessage deflate",
            "permessage-deflate, b@d",
            "; a",
            "\u{e9}",
        ] {
            assert_eq!(agreed(&[value]), Err(400), "{value}");
        }
    }

    proptest! {
        #[test]
        fn any_header_never_panics(value in "[ -~]{0,60}", pieces in prop::collection::vec(prop::sample::select(vec![
            "permessage-deflate", ";", ",", "=", "\"", " ", "8", "15", "server_max_window_bits", "a",
        ]), 0..12)) {
            for value in [value, pieces.concat()] {
                let _ = agreed(&[&value]);
            }
        }
    }
}
