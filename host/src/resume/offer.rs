//! What a peer offers among its subprotocols: that it would resume, and what. Browsers can say nothing else in a handshake.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

use super::token::Token;
use crate::limits;

/// The subprotocol.
pub const SUBPROTOCOL: &str = "sessile.resume.v1";
/// What all subprotocols of the host begin with: handlers see none of them.
const OURS: &str = "sessile.";
const TOKEN: &str = "sessile.token.";
const FROM: &str = "sessile.from.";

/// A peer that would resume.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// The websocket that it comes back to, if it has one.
    pub back: Option<Return>,
    /// Where it stands in groups, for when it gets another websocket.
    pub from: Vec<Stand>,
}

/// Where a peer stands in a group.
#[derive(Debug, PartialEq, Eq)]
pub struct Stand {
    /// Which group.
    pub group: String,
    /// The life of the group's count.
    pub epoch: u64,
    /// The number of the last publication that it has.
    pub offset: u64,
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
        let back = offered.iter().find_map(|name| back(name.strip_prefix(TOKEN)?));
        let from = offered.iter().find_map(|name| from(name.strip_prefix(FROM)?));
        Some(Self { back, from: from.unwrap_or_default() })
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

fn from(text: &str) -> Option<Vec<Stand>> {
    if text.len() > limits::RESUME_FROM_BYTES_MAX {
        return None;
    }
    let stands: BTreeMap<String, (String, u64)> = serde_json::from_slice(&BASE64.decode(text).ok()?).ok()?;
    let stand = |(group, (epoch, offset)): (String, (String, u64))| {
        Some(Stand { group, epoch: u64::from_str_radix(&epoch, 16).ok()?, offset })
    };
    Some(stands.into_iter().filter_map(stand).take(limits::GROUPS_PER_WEBSOCKET_MAX).collect())
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
        assert_eq!(of(&["chat", &named, SUBPROTOCOL]), Some(Offer { back, from: Vec::new() }));
        assert_eq!(of(&["chat", &named]), None);
        assert_eq!(of(&[SUBPROTOCOL]), Some(Offer::default()));
    }

    #[test]
    fn token_that_cannot_be_read_is_none() {
        let (_, token) = Tokens::new(WebsocketId(7));
        for wrong in
            ["", ".", "x.1", &token.to_string(), &format!("{token}."), &format!("{token}.-1"), &format!("{token}.1.1")]
        {
            assert_eq!(of(&[SUBPROTOCOL, &format!("{TOKEN}{wrong}")]), Some(Offer::default()), "{wrong}");
        }
    }

    #[test]
    fn stands_are_read_and_what_is_none_is_left_out() {
        let offered = |json: &str| of(&[SUBPROTOCOL, &format!("{FROM}{}", BASE64.encode(json))]).unwrap().from;
        let stand = |group: &str, epoch, offset| Stand { group: group.into(), epoch, offset };
        assert_eq!(offered(r#"{"a":["ff",7],"é\n":["0",0],"b":["x",1]}"#), [stand("a", 255, 7), stand("é\n", 0, 0)]);
        for wrong in ["", "[]", r#"{"a":7}"#, r#"{"a":["1",-1]}"#] {
            assert_eq!(offered(wrong), [], "{wrong}");
        }
        let many: BTreeMap<_, _> = (0..200).map(|number| (number.to_string(), ("1", 1))).collect();
        assert_eq!(offered(&serde_json::to_string(&many).unwrap()).len(), limits::GROUPS_PER_WEBSOCKET_MAX);
        let long = "x".repeat(limits::RESUME_FROM_BYTES_MAX);
        assert_eq!(offered(&format!(r#"{{"{long}":["1",1]}}"#)), []);
    }

    #[test]
    fn hidden_is_all_that_is_ours() {
        let mut offered = ["a", "sessile.x", "sessile", SUBPROTOCOL].map(str::to_owned).to_vec();
        hide(&mut offered);
        assert_eq!(offered, ["a", "sessile"]);
    }
}
