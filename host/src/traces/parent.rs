//! The span that a request names as its parent (W3C Trace Context, `traceparent`). Pure.

use std::fmt;

use crate::event::random_u64;

/// 128 bits, not all of them zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceId(pub u128);

/// Who began a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Its trace.
    pub trace: TraceId,
    /// Its span.
    pub span: u64,
    /// Whether it is recorded.
    pub sampled: bool,
}

impl TraceId {
    /// A new id of random bits.
    pub fn mint() -> Self {
        Self(u128::from(random_u64()) << 64 | u128::from(random_u64()))
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl Parent {
    /// Out of the values of a request's `traceparent`; none where there is not one, or it is malformed (§2.2).
    pub fn of(values: &[String]) -> Option<Self> {
        let [value] = values else { return None };
        let mut parts = value.trim().split('-');
        let (version, trace) = (hex(parts.next()?, 2)?, hex(parts.next()?, 32)?);
        let (span, flags) = (hex(parts.next()?, 16)?, hex(parts.next()?, 2)?);
        // A later version may have more parts; 255 is none (§2.2.1).
        let is_whole = match version {
            0 => parts.next().is_none(),
            255 => false,
            _ => true,
        };
        let valid = is_whole && trace != 0 && span != 0;
        valid.then_some(Self { trace: TraceId(trace), span: u64::try_from(span).ok()?, sampled: flags & 1 == 1 })
    }
}

/// Exactly so many digits, in lower case.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let valid = text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    valid.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parent(value: &str) -> Option<Parent> {
        Parent::of(&[value.to_owned()])
    }

    #[test]
    fn parent_of_the_standards_example_is_read() {
        let read = parent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap();
        assert_eq!(read.trace.to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!((read.span, read.sampled), (0xb7ad_6b71_6920_3331, true));
        let later = parent("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00-more").unwrap();
        assert!(!later.sampled);
    }

    #[test]
    fn parent_that_is_malformed_or_twice_is_none() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        for bad in [
            "",
            "00",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert_eq!(parent(bad), None, "{bad}");
        }
        assert_eq!(Parent::of(&[good.to_owned(), good.to_owned()]), None);
        assert_eq!(Parent::of(&[]), None);
    }
}
