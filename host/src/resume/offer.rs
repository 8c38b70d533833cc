//! What a peer offers among its subprotocols: that it would resume, and what. Browsers can say nothing else in a handshake.

use super::token::Token;

/// The subprotocol.
pub const SUBPROTOCOL: &str = "sessile.resume.v1";
/// What all subprotocols of the host begin with: handlers see none of them.
const OURS: &str = "sessile.";
const TOKEN: &str = "sessile.token.";

/// A peer that would resume.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// The websocket that it comes back to, if it has one.
    pub back: Option<Return>,
}

/// A peer that comes back.
#[derive(Debug, PartialEq, Eq)]
pub struct Return {
    /// To which websocket.
    pub token: Token,
    /// The number of the last message that it has.
    pub received: u64,
}

impl Offer {
    /// What the peer offers; none where it does not speak of resuming. What cannot be read is as if it were not there: then the
    /// websocket is a new one.
    #[must_use]
    pub fn of(offered: &[String]) -> Option<Self> {
        offered.iter().find(|name| *name == SUBPROTOCOL)?;
        Some(Self { back: offered.iter().find_map(|name| back(name.strip_prefix(TOKEN)?)) })
    }
}

/// Leaves what handlers may see.
pub fn hide(offered: &mut Vec<String>) {
    offered.retain(|name| !name.starts_with(OURS));
}

fn back(text: &str) -> Option<Return> {
    let (token, received) = text.split_once('.')?;
    Some(Return { token: Token::parse(token)?, received: received.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::WebsocketId;
    use crate::resume::token::Tokens;

    fn of(offered: &[&str]) -> Option<Offer> {
        Offer::of(&offered.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn offer_is_read_whatever_stands_beside_it() {
        let (_, token) = Tokens::new(WebsocketId(7));
        let named = format!("sessile.token.{token}.12");
        let back = Some(Return { token, received: 12 });
        assert_eq!(of(&["chat", &named, SUBPROTOCOL]), Some(Offer { back }));
        assert_eq!(of(&["chat", &named]), None);
        assert_eq!(of(&[SUBPROTOCOL]), Some(Offer::default()));
    }

    #[test]
    fn token_that_cannot_be_read_is_none() {
        let (_, token) = Tokens::new(WebsocketId(7));
        for wrong in ["", ".", "x.1", &token.to_string(), &format!("{token}."), &format!("{token}.-1"), &format!("{token}.1.1")] {
            assert_eq!(of(&[SUBPROTOCOL, &format!("{TOKEN}{wrong}")]), Some(Offer::default()), "{wrong}");
        }
    }

    #[test]
    fn hidden_is_all_that_is_ours() {
        let mut offered = ["a", "sessile.x", "sessile", SUBPROTOCOL].map(str::to_owned).to_vec();
        hide(&mut offered);
        assert_eq!(offered, ["a", "sessile"]);
    }
}
