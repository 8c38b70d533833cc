//! What is seen of a websocket: bare lines, JSON lines, or marks and colours for a person at a terminal.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};

use serde_json::{Value, json};

use super::talk::Ended;

/// Who reads stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// A program that wants messages.
    Bare,
    /// A program that wants all that happens.
    Json,
    /// A person. The prompt is for one who types, the colours are for one who wants them (no-color.org).
    Terminal { prompt: &'static str, colour: Colour },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Colour {
    Plain,
    Ansi,
}

/// To the line's start, and the line emptied: a message comes where the prompt stands.
const OVER: &str = "\r\x1b[K";

pub(super) struct Screen(Form);

impl Screen {
    pub(super) fn new(json: bool, typed: bool) -> Self {
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty());
        Self(match (json, io::stdout().is_terminal()) {
            (true, _) => Form::Json,
            (false, false) => Form::Bare,
            (false, true) => Form::Terminal {
                prompt: if typed { "> " } else { "" },
                colour: if no_colour { Colour::Plain } else { Colour::Ansi },
            },
        })
    }

    pub(super) fn opened(&self, subprotocol: Option<&str>) -> io::Result<()> {
        match self.0 {
            Form::Bare => Ok(()),
            Form::Json => put_json(&json!({ "type": "open", "subprotocol": subprotocol })),
            Form::Terminal { colour, .. } => {
                let spoken = subprotocol.map(|name| format!(" with {}", harmless(name))).unwrap_or_default();
                let hint = format!("connected{spoken}; a line is a message, Ctrl-D closes");
                put(&format!("{}\n", colour.dim(&hint)))?;
                self.prompt()
            }
        }
    }

    pub(super) fn prompt(&self) -> io::Result<()> {
        match self.0 {
            Form::Terminal { prompt, .. } => put(prompt),
            Form::Bare | Form::Json => Ok(()),
        }
    }

    pub(super) fn text(&self, text: &str) -> io::Result<()> {
        match self.0 {
            Form::Json => put_json(&json!({ "type": "text", "data": text })),
            Form::Bare => put(&format!("{text}\n")),
            Form::Terminal { .. } => self.received(&harmless(text)),
        }
    }

    pub(super) fn binary(&self, bytes: &[u8]) -> io::Result<()> {
        match self.0 {
            Form::Json => put_json(&json!({ "type": "binary", "hex": hex(bytes) })),
            Form::Bare => put(&format!("0x{}\n", hex(bytes))),
            Form::Terminal { .. } => self.received(&format!("0x{}", hex(bytes))),
        }
    }

    fn received(&self, line: &str) -> io::Result<()> {
        let Form::Terminal { prompt, colour } = self.0 else { return Ok(()) };
        put(&format!("{OVER}{} {line}\n{prompt}", colour.accent("<")))
    }

    /// Beside the messages, so that a pipe has nothing else.
    pub(super) fn closed(&self, ended: &Ended) -> io::Result<()> {
        let said = if ended.reason.is_empty() { String::new() } else { format!(": {}", harmless(&ended.reason)) };
        match self.0 {
            Form::Json => {
                return put_json(&json!({ "type": "close", "code": ended.code, "reason": ended.reason }));
            }
            Form::Terminal { .. } => put(OVER)?,
            Form::Bare => {}
        }
        writeln!(io::stderr().lock(), "closed with {}{said}", ended.code)
    }
}

impl Colour {
    fn dim(self, text: &str) -> String {
        self.in_code("2", text)
    }

    fn accent(self, text: &str) -> String {
        self.in_code("36", text)
    }

    fn in_code(self, code: &str, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Ansi => format!("\x1b[{code}m{text}\x1b[0m"),
        }
    }
}

/// A peer's text, which must not steer the terminal that shows it.
pub(super) fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && c != '\n' && c != '\t' {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a String cannot fail.
        let _infallible = write!(text, "{byte:02x}");
    }
    text
}

fn put_json(line: &Value) -> io::Result<()> {
    put(&format!("{line}\n"))
}

fn put(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_peer_cannot_steer_the_terminal() {
        assert_eq!(harmless("a\tb\n\u{1b}[2Jé\u{9b}1m"), "a\tb\n\\u{1b}[2Jé\\u{9b}1m");
    }

    #[test]
    fn colours_are_only_where_they_are_wanted() {
        assert_eq!(Colour::Plain.accent("<"), "<");
        assert_eq!(Colour::Ansi.dim("x"), "\x1b[2mx\x1b[0m");
    }

    #[test]
    fn bytes_are_shown_in_hex() {
        assert_eq!(hex(&[0, 255, 16]), "00ff10");
    }
}
