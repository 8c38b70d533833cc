//! Forms with files: `multipart/form-data` (RFC 7578), whole. Pure parsing; the crates that do it read from
//! a stream and bring an executor's traits and all of the world's encodings into every guest.

use crate::error::{Error, Result};

/// One field of a form, or one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// The field's name.
    pub name: String,
    /// The file's name, as the peer gives it: not a path to trust.
    pub file_name: Option<String>,
    /// What the peer says of the content.
    pub content_type: Option<String>,
    /// The content.
    pub body: Vec<u8>,
}

impl Part {
    /// The content as text; what is no UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// The parts of a body, in order.
pub(crate) fn parse(content_type: &str, body: &[u8]) -> Result<Vec<Part>> {
    let boundary =
        boundary(content_type).ok_or_else(|| bad(format!("content-type {content_type:?} has no boundary")))?;
    let delimiter = format!("\r\n--{boundary}").into_bytes();
    // The first delimiter may stand at the very start.
    let body = [b"\r\n", body].concat();
    let start = find(&body, &delimiter).ok_or_else(|| bad("the boundary does not occur in the body"))?;
    let mut rest = &body[start + delimiter.len()..];
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        let line = find(rest, b"\r\n").ok_or_else(|| bad("the body ends within a boundary"))?;
        let part = &rest[line + 2..];
        let end = find(&rest[line..], &delimiter).ok_or_else(|| bad("the last boundary is missing"))?;
        // Its content begins behind the line break of its delimiter, and may be empty.
        let content = part.get(..end.saturating_sub(2)).unwrap_or_default();
        parts.push(read(content)?);
        rest = &rest[line + end + delimiter.len()..];
    }
    Ok(parts)
}

fn read(content: &[u8]) -> Result<Part> {
    let (head, body) = match find(content, b"\r\n\r\n") {
        Some(end) => (&content[..end], &content[end + 4..]),
        None => return Err(bad("a part has no empty line after its headers")),
    };
    let mut part = Part { body: body.to_vec(), ..Part::default() };
    let mut named = false;
    for line in String::from_utf8_lossy(head).split("\r\n") {
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("content-type") {
            part.content_type = Some(value.trim().to_owned());
        } else if name.eq_ignore_ascii_case("content-disposition") {
            part.file_name = parameter(value, "filename");
            let name = parameter(value, "name");
            named = name.is_some();
            part.name = name.unwrap_or_default();
        }
    }
    if named { Ok(part) } else { Err(bad("a part has no name")) }
}

fn boundary(content_type: &str) -> Option<String> {
    let (kind, _) = content_type.split_once(';')?;
    // RFC 2046 §5.1.1: 1 to 70 characters.
    parameter(content_type, "boundary").filter(|boundary| {
        kind.trim().eq_ignore_ascii_case("multipart/form-data") && (1..=70).contains(&boundary.len())
    })
}

/// The value of `; name=value` or `; name="value"`, where browsers write `%22` for a quote.
fn parameter(header: &str, name: &str) -> Option<String> {
    let mut rest = header.split_once(';')?.1;
    loop {
        let (key, tail) = rest.split_once('=')?;
        let (value, after) = match tail.trim_start().strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => {
                let end = tail.find(';').unwrap_or(tail.len());
                (tail[..end].trim(), &tail[end..])
            }
        };
        if key.trim().eq_ignore_ascii_case(name) {
            return Some(value.replace("%22", "\"").replace("%0D%0A", "\r\n"));
        }
        rest = after.split_once(';')?.1;
    }
}

fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len()).position(|window| window == needle)
}

fn bad(reason: impl Into<String>) -> Error {
    Error::BadForm(reason.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: &str = "multipart/form-data; boundary=\"x--y\"";

    fn part(name: &str, body: &str) -> Part {
        Part { name: name.into(), body: body.into(), ..Part::default() }
    }

    #[test]
    fn form_of_a_browser_is_read_with_its_file() {
        let body = "--x--y\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n--x--y\r\n\
                    content-disposition: form-data; filename=\"b;%22c.txt\"; name=file\r\nContent-Type: text/plain\r\n\r\n\
                    two\r\n--x\r\n\r\n--x--y\r\nContent-Disposition: form-data; name=\"\"\r\n\r\n\r\n--x--y--\r\n";
        let parts = parse(KIND, body.as_bytes()).unwrap();
        let file = Part {
            file_name: Some("b;\"c.txt".into()),
            content_type: Some("text/plain".into()),
            ..part("file", "two\r\n--x\r\n")
        };
        assert_eq!(parts, [part("a", "one"), file, part("", "")]);
        assert_eq!(parse(KIND, b"preamble\r\n--x--y--").unwrap(), []);
    }

    #[test]
    fn form_that_is_broken_says_how() {
        let broken = |kind: &str, body: &str| parse(kind, body.as_bytes()).unwrap_err().to_string();
        assert!(broken("text/plain", "").contains("no boundary"));
        assert!(broken("multipart/mixed; boundary=a", "").contains("no boundary"));
        assert!(broken(KIND, "nothing").contains("does not occur"));
        assert!(broken(KIND, "--x--y\r\nContent-Disposition: form-data; name=a\r\n\r\nx").contains("is missing"));
        assert!(broken(KIND, "--x--y\r\nX: y\r\n\r\nx\r\n--x--y--").contains("no name"));
        assert!(broken(KIND, "--x--y\r\nX: y\r\n--x--y--").contains("no empty line"));
    }

    #[test]
    fn no_bytes_panic() {
        let seeds = [b"--x--y\r\n".as_slice(), b"\r\n\r\n", b"--x--y--", b"Content-Disposition: a; name=\"", b"\""];
        for first in seeds {
            for second in seeds {
                for third in seeds {
                    let _parsed = parse(KIND, &[first, second, third].concat());
                }
            }
        }
    }
}
