//! Where a request is from, past the proxies that are trusted to say so.
//!
//! `Forwarded` (RFC 7239) or `X-Forwarded-For`, `-Proto` and `-Host`, each read from its end: what the
//! nearest proxy wrote stands last, and is followed only as far as its writers are trusted.

use std::net::{IpAddr, SocketAddr};

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use ipnet::IpNet;

use super::authority;
use crate::limits;
use crate::port::head::Ends;

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The networks whose proxies are trusted; none by default.
#[derive(Clone, Debug, Default)]
pub struct Proxies(Vec<IpNet>);

impl From<Vec<IpNet>> for Proxies {
    fn from(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }
}

/// What a proxy says of the request that it got.
#[derive(Debug, Default, PartialEq, Eq)]
struct Hop {
    /// The address that it got it from; none if it does not tell.
    from: Option<SocketAddr>,
    secure: Option<bool>,
    host: Option<String>,
}

impl Proxies {
    /// The ends of a request by the word of the proxies that it came through; its `Host` then is the one
    /// that the first of them was asked for. From a peer that is not trusted, the headers are removed,
    /// so that no handler believes them.
    ///
    /// # Errors
    /// What a trusted proxy sent that cannot be read, for the peer.
    pub(super) fn apply(&self, head: &mut Parts, ends: Ends) -> Result<Ends, String> {
        if !self.trust(ends.peer.ip()) {
            forget(&mut head.headers);
            return Ok(ends);
        }
        let hops = hops(&head.headers)?;
        let (mut ends, mut host) = (ends, None);
        for hop in hops.into_iter().rev() {
            if !self.trust(ends.peer.ip()) {
                break;
            }
            ends.secure = hop.secure.unwrap_or(ends.secure);
            host = hop.host.or(host);
            let Some(from) = hop.from else { break };
            ends.peer = from;
        }
        if let Some(host) = host {
            let host = HeaderValue::try_from(host).map_err(|_| "The forwarded host is malformed.".to_owned())?;
            authority::valid(&host)?;
            head.headers.insert(header::HOST, host);
        }
        Ok(ends)
    }

    /// Whether this is a proxy of theirs.
    pub fn trust(&self, address: IpAddr) -> bool {
        // A listener on `::` sees IPv4 peers as mapped addresses.
        self.0.iter().any(|network| network.contains(&address.to_canonical()))
    }
}

fn forget(headers: &mut HeaderMap) {
    if headers.len() == 1 && headers.contains_key(header::HOST) {
        return; // the usual load
    }
    for name in [header::FORWARDED, FOR, PROTO, HOST] {
        headers.remove(name);
    }
}

/// The proxies' words, the nearest last.
fn hops(headers: &HeaderMap) -> Result<Vec<Hop>, String> {
    let standard = list(headers, &header::FORWARDED);
    let usual = list(headers, &FOR);
    let hops = match (standard.is_empty(), usual.is_empty()) {
        // Which of the two the proxy wrote, and which the client, cannot be told.
        (false, false) => return Err("Forwarded and X-Forwarded-For exclude one another.".to_owned()),
        (false, true) => standard.iter().map(|element| element_of(element)).collect::<Result<Vec<_>, _>>()?,
        (true, _) => usual_hops(&usual, &list(headers, &PROTO), &list(headers, &HOST))?,
    };
    match hops.len() {
        len if len > limits::FORWARDED_MAX => {
            Err(format!("{len} proxies exceed the limit of {}.", limits::FORWARDED_MAX))
        }
        _ => Ok(hops),
    }
}

/// The elements of a list over any number of headers, quoted ones whole.
fn list(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    values.flat_map(|value| split(&value, ',')).filter(|element| !element.is_empty()).collect()
}

/// Splits where the separator stands outside of quotes (RFC 9110 §5.6.4).
fn split(text: &str, separator: char) -> Vec<String> {
    let (mut parts, mut part, mut quoted, mut escaped) = (Vec::new(), String::new(), false, false);
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if c == separator && !quoted => {
                parts.push(std::mem::take(&mut part).trim().to_owned());
                continue;
            }
            _ => {}
        }
        part.push(c);
    }
    parts.push(part.trim().to_owned());
    parts
}

/// RFC 7239 §4.
fn element_of(element: &str) -> Result<Hop, String> {
    let mut hop = Hop::default();
    for pair in split(element, ';').iter().filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or_else(|| unreadable("Forwarded", element))?;
        let value = unquoted(value);
        match name.to_ascii_lowercase().as_str() {
            "for" => hop.from = node(&value),
            "proto" => hop.secure = Some(secure(&value).ok_or_else(|| unreadable("Forwarded", element))?),
            "host" => hop.host = Some(value),
            _ => {}
        }
    }
    Ok(hop)
}

/// One hop for each address; protocols and hosts belong to the last ones, as far as they go. A single
/// one is what the first trusted proxy saw, which others pass on.
fn usual_hops(addresses: &[String], protocols: &[String], hosts: &[String]) -> Result<Vec<Hop>, String> {
    let mut hops: Vec<Hop> = addresses.iter().map(|address| Hop { from: node(address), ..Hop::default() }).collect();
    if hops.is_empty() && !(protocols.is_empty() && hosts.is_empty()) {
        hops.push(Hop::default());
    }
    let (aligned_protocols, aligned_hosts) = (protocols.len() == hops.len(), hosts.len() == hops.len());
    let last = hops.len().saturating_sub(1);
    for (index, hop) in hops.iter_mut().enumerate() {
        let protocol =
            if aligned_protocols { protocols.get(index) } else { protocols.last().filter(|_| index == last) };
        let host = if aligned_hosts { hosts.get(index) } else { hosts.last().filter(|_| index == last) };
        if let Some(protocol) = protocol {
            hop.secure = Some(secure(protocol).ok_or_else(|| unreadable("X-Forwarded-Proto", protocol))?);
        }
        hop.host = host.cloned();
    }
    Ok(hops)
}

fn secure(protocol: &str) -> Option<bool> {
    match protocol.to_ascii_lowercase().as_str() {
        "https" | "wss" => Some(true),
        "http" | "ws" => Some(false),
        _ => None,
    }
}

/// An address, with a port or without (0 then); none for `unknown` and for hidden names (§6).
fn node(text: &str) -> Option<SocketAddr> {
    let text = text.trim();
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some(address);
    }
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    bare.parse::<IpAddr>().ok().map(|address| SocketAddr::new(address, 0))
}

fn unquoted(value: &str) -> String {
    let value = value.trim();
    let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return value.to_owned() };
    let (mut plain, mut escaped) = (String::with_capacity(inner.len()), false);
    for c in inner.chars() {
        escaped = c == '\\' && !escaped;
        if !escaped {
            plain.push(c);
        }
    }
    plain
}

fn unreadable(header: &str, text: &str) -> String {
    let cut = text.chars().take(80).collect::<String>();
    format!("{header} has {cut:?}, which is not of its form.")
}

#[cfg(test)]
mod tests {
    use http::Request;
    use proptest::prelude::*;

    use super::*;

    fn applied(peer: &str, headers: &[(&str, &str)]) -> Result<(String, bool, String), String> {
        let proxies = Proxies::from(vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()]);
        let mut request = Request::builder().uri("/").header("host", "inner.example");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut head = request.body(()).unwrap().into_parts().0;
        let local = "10.0.0.9:80".parse().unwrap();
        let ends = proxies.apply(&mut head, Ends { peer: peer.parse().unwrap(), local, secure: false })?;
        let host = head.headers["host"].to_str().unwrap().to_owned();
        Ok((ends.peer.to_string(), ends.secure, host))
    }

    fn seen(peer: &str, secure: bool, host: &str) -> Result<(String, bool, String), String> {
        Ok((peer.to_owned(), secure, host.to_owned()))
    }

    #[test]
    fn word_of_a_stranger_is_dropped() {
        let headers = [("forwarded", "for=1.2.3.4;proto=https;host=evil.example"), ("x-forwarded-for", "1.2.3.4")];
        assert_eq!(applied("9.9.9.9:1", &headers), seen("9.9.9.9:1", false, "inner.example"));
        let mut head = Request::builder().header("x-forwarded-for", "1.2.3.4").header("host", "x");
        head = head.header("x-forwarded-proto", "https").header("forwarded", "for=1.2.3.4");
        let mut head = head.body(()).unwrap().into_parts().0;
        let ends = Ends { peer: "9.9.9.9:1".parse().unwrap(), local: "10.0.0.9:80".parse().unwrap(), secure: false };
        Proxies::default().apply(&mut head, ends).unwrap();
        assert_eq!(head.headers.len(), 1, "only Host is left");
    }

    #[test]
    fn word_of_a_stranger_without_host_is_dropped() {
        // As HTTP/1.0 may be: with this one field.
        let mut head = Request::builder().header("x-forwarded-for", "1.2.3.4").body(()).unwrap().into_parts().0;
        let ends = Ends { peer: "9.9.9.9:1".parse().unwrap(), local: "10.0.0.9:80".parse().unwrap(), secure: false };
        Proxies::default().apply(&mut head, ends).unwrap();
        assert!(head.headers.is_empty());
    }

    #[test]
    fn word_of_a_trusted_proxy_counts() {
        let standard = [("forwarded", "for=1.2.3.4:555;proto=https;host=a.example")];
        assert_eq!(applied("10.0.0.1:1", &standard), seen("1.2.3.4:555", true, "a.example"));
        let usual =
            [("x-forwarded-for", "1.2.3.4"), ("x-forwarded-proto", "https"), ("x-forwarded-host", "a.example:8443")];
        assert_eq!(applied("10.0.0.1:1", &usual), seen("1.2.3.4:0", true, "a.example:8443"));
        assert_eq!(applied("[::ffff:10.0.0.1]:1", &usual), seen("1.2.3.4:0", true, "a.example:8443"));
    }

    #[test]
    fn chain_is_followed_as_far_as_it_is_trusted() {
        // The client claims to be 6.6.6.6; the edge (10.0.0.1) saw 1.2.3.4 and told 10.0.0.2.
        let standard =
            [("forwarded", "for=6.6.6.6;proto=http, for=1.2.3.4;proto=https;host=a.example, for=10.0.0.1;proto=http")];
        assert_eq!(applied("10.0.0.2:1", &standard), seen("1.2.3.4:0", true, "a.example"));
        let usual = [("x-forwarded-for", "6.6.6.6, 1.2.3.4, 10.0.0.1"), ("x-forwarded-proto", "http, https, http")];
        assert_eq!(applied("10.0.0.2:1", &usual), seen("1.2.3.4:0", true, "inner.example"));
        let lines = [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "1.2.3.4"), ("x-forwarded-proto", "https")];
        assert_eq!(applied("10.0.0.2:1", &lines), seen("1.2.3.4:0", true, "inner.example"));
    }

    #[test]
    fn quoted_and_hidden_nodes_are_read() {
        let quoted = [("forwarded", r#"For="[2001:db8::17]:4711";Proto=HTTPS;ext="a;b,c\"d""#)];
        assert_eq!(applied("[::1]:1", &quoted), seen("[2001:db8::17]:4711", true, "inner.example"));
        let hidden = [("forwarded", "for=1.2.3.4, for=_hidden;proto=https")];
        assert_eq!(applied("10.0.0.1:1", &hidden), seen("10.0.0.1:1", true, "inner.example"));
    }

    #[test]
    fn both_kinds_at_once_are_refused() {
        let both = [("forwarded", "for=1.2.3.4"), ("x-forwarded-for", "5.6.7.8")];
        assert!(applied("10.0.0.1:1", &both).is_err());
    }

    #[test]
    fn unreadable_words_are_refused() {
        assert!(applied("10.0.0.1:1", &[("forwarded", "for=1.2.3.4;proto=gopher")]).is_err());
        assert!(applied("10.0.0.1:1", &[("forwarded", "nonsense")]).is_err());
        assert!(applied("10.0.0.1:1", &[("forwarded", "host=\"a b\"")]).is_err());
        let long = vec!["1.2.3.4"; limits::FORWARDED_MAX + 1].join(",");
        assert!(applied("10.0.0.1:1", &[("x-forwarded-for", &long)]).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_taken_or_refused(standard in "[ -~]{0,60}", usual in "[ -~]{0,60}", protocol in "[ -~]{0,20}") {
            let _ = applied("10.0.0.1:1", &[("forwarded", &standard)]);
            let _ = applied("10.0.0.1:1", &[("x-forwarded-for", &usual), ("x-forwarded-proto", &protocol)]);
        }
    }
}
