//! Tokens: who has one may come back to a websocket over another connection.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::event::{WebsocketId, random_u64};

/// Hexadecimal digits of a token: the websocket's id and the secret.
const DIGITS: usize = 16 + 32;

/// The websocket's id, and 128 random bits. Whoever has it may take the websocket over, with the cookie of its session if it has
/// one; never logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// Of which websocket.
    pub websocket: WebsocketId,
    secret: [u64; 2],
}

/// The tokens by which one websocket may be taken over. A new one is given at each return; the one before stays good until the
/// peer has shown that it has the new one, else a welcome that is lost would lose the websocket.
#[derive(Debug)]
pub struct Tokens {
    websocket: WebsocketId,
    current: Sha,
    before: Option<Sha>,
}

type Sha = [u8; 32];

impl Token {
    fn mint(websocket: WebsocketId) -> Self {
        Self { websocket, secret: [random_u64(), random_u64()] }
    }

    /// A token as the peer shows it; none where it is not one of ours by its form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let lower = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != DIGITS || !text.as_bytes().iter().all(lower) {
            return None;
        }
        let number = |part: usize| u64::from_str_radix(text.get(16 * part..16 * part + 16)?, 16).ok();
        Some(Self { websocket: WebsocketId(number(0)?), secret: [number(1)?, number(2)?] })
    }

    fn sha(&self) -> Sha {
        Sha256::new().chain_update(self.to_string()).finalize().into()
    }
}

impl Tokens {
    /// The first token of a websocket.
    #[must_use]
    pub fn new(websocket: WebsocketId) -> (Self, Token) {
        let token = Token::mint(websocket);
        (Self { websocket, current: token.sha(), before: None }, token)
    }

    /// Whether it opens this websocket. Digests are compared, so a guess cannot be timed.
    #[must_use]
    pub fn admit(&self, token: &Token) -> bool {
        let sha = token.sha();
        self.current == sha || self.before == Some(sha)
    }

    /// The peer has come back by this token, and gets another.
    pub fn renew(&mut self, shown: &Token) -> Token {
        let token = Token::mint(self.websocket);
        (self.before, self.current) = (Some(shown.sha()), token.sha());
        token
    }

    /// The peer has shown that it has the current one.
    pub fn confirm(&mut self) {
        self.before = None;
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [high, low] = self.secret;
        write!(f, "{}{high:016x}{low:016x}", self.websocket)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.websocket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_shown_is_the_one_that_was_given_and_no_other_form_is_one() {
        let (tokens, token) = Tokens::new(WebsocketId(7));
        let text = token.to_string();
        assert_eq!(Token::parse(&text), Some(token.clone()));
        assert!(tokens.admit(&token) && token.websocket == WebsocketId(7));
        for wrong in [&text[1..], &text.replace('0', "G"), &text.to_uppercase(), &"é".repeat(24), ""] {
            assert_eq!(Token::parse(wrong).filter(|_| *wrong != text), None, "{wrong}");
        }
        assert!(!format!("{token:?}{tokens:?}").contains(&text[16..]));
    }

    #[test]
    fn token_of_another_secret_is_not_admitted() {
        let (tokens, token) = Tokens::new(WebsocketId(7));
        assert!(!tokens.admit(&Token::mint(WebsocketId(7))));
        assert!(!tokens.admit(&Token { secret: [token.secret[0], 0], ..token }));
    }

    #[test]
    fn token_before_is_good_until_the_new_one_is_confirmed_however_many_welcomes_are_lost() {
        let (mut tokens, first) = Tokens::new(WebsocketId(7));
        let lost = tokens.renew(&first);
        let second = tokens.renew(&first);
        assert!(tokens.admit(&first) && tokens.admit(&second) && !tokens.admit(&lost));
        tokens.confirm();
        assert!(!tokens.admit(&first) && tokens.admit(&second));
    }
}
