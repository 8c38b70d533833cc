//! A request's head, from a peer or through a proxy: any bytes that hyper would have taken.
//!
//! Holds that nothing panics, that who is admitted has one `Host` at most, which is an authority, that only a trusted
//! proxy changes where a request is from, and that a handshake in order has what its 101 needs.
//!
//! The first byte: bit 0 is a trusted proxy, bit 1 TLS, bit 2 the rule that wants an origin, bit 3 HTTP/2. Then the
//! head as HTTP/1.1 has it.

#![no_main]

use http::request::Parts;
use http::{HeaderValue, Request, Version, header};
use libfuzzer_sys::fuzz_target;
use sessile_fuzz::app::manifest::OriginRule;
use sessile_fuzz::http::admit;
use sessile_fuzz::http::forwarded::Proxies;
use sessile_fuzz::http::handshake::{self, Refusal, extensions};
use sessile_fuzz::limits;
use sessile_fuzz::port::fields::Alike;
use sessile_fuzz::port::head::{Ends, Head};

fuzz_target!(|input: &[u8]| {
    let Some((flags, bytes)) = input.split_first() else { return };
    let Some(mut head) = parse(bytes, flags & 8 != 0) else { return };
    let peer = if flags & 1 != 0 { "10.0.0.1:5000" } else { "192.0.2.1:5000" };
    let (peer, local) = (peer.parse().expect("an address"), "10.0.0.9:80".parse().expect("an address"));
    let ends = Ends { peer, local, secure: flags & 2 != 0 };
    let proxies = Proxies::from(vec!["10.0.0.0/8".parse().expect("a network")]);
    let origin_before = (ends.peer, ends.secure);
    let ends = match admit(&mut head, &proxies, ends) {
        Ok(ends) => ends,
        Err((status, detail)) => {
            assert!((400..=501).contains(&status) && !detail.is_empty());
            return;
        }
    };
    if flags & 1 == 0 {
        assert_eq!((ends.peer, ends.secure), origin_before, "a stranger was believed");
        let words = ["forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"];
        assert!(!words.iter().any(|name| head.headers.contains_key(*name)), "a stranger's word was left");
    }
    assert!(head.headers.get_all(header::HOST).iter().count() <= 1, "two hosts");
    seen(&head, ends);
    if handshake::is_websocket(&head) {
        let rule = OriginRule { require: flags & 4 != 0, ..OriginRule::default() };
        match handshake::check(&head, ends.secure, &rule) {
            Ok(handshake) => in_order(&head, &handshake),
            Err(refusal) => refused(&refusal),
        }
        match extensions::agree(&head.headers) {
            Ok(agreed) => drop(agreed.map(|agreed| HeaderValue::try_from(agreed.answer()).expect("a value"))),
            Err(refusal) => refused(&refusal),
        }
    }
});

/// As hyper does: HTTP/1.1 that httparse takes, within the same bounds.
fn parse(bytes: &[u8], second: bool) -> Option<Parts> {
    let mut fields = [httparse::EMPTY_HEADER; limits::HEADERS_MAX];
    let mut request = httparse::Request::new(&mut fields);
    let _head_len = request.parse(bytes).ok().filter(httparse::Status::is_complete)?;
    let version = match (second, request.version?) {
        (true, _) => Version::HTTP_2,
        (false, 0) => Version::HTTP_10,
        (false, _) => Version::HTTP_11,
    };
    let mut built = Request::builder().method(request.method?).uri(request.path?).version(version);
    for field in request.headers.iter() {
        built = built.header(field.name, field.value);
    }
    if second {
        built = built.extension(hyper::ext::Protocol::from_static("websocket"));
    }
    Some(built.body(()).ok()?.into_parts().0)
}

/// What guests and the log are told of it.
fn seen(head: &Parts, ends: Ends) {
    let head = Head::of_websocket(head, ends, Vec::new(), &Alike::default());
    let (fields, uri) = (head.headers(), head.uri());
    assert!(fields.iter().all(|(name, _)| head.values(name).len() == fields.iter().filter(|(n, _)| n == name).count()));
    drop((uri, head.fields(), head.authority()));
}

fn in_order(head: &Parts, handshake: &handshake::Handshake) {
    assert_eq!(handshake.accept_key.as_ref().map(String::len), (head.version == Version::HTTP_11).then_some(28));
    for (index, name) in handshake.subprotocols.iter().enumerate() {
        assert!(HeaderValue::try_from(name).is_ok() && !name.is_empty());
        assert!(!handshake.subprotocols[..index].contains(name), "offered twice");
    }
}

fn refused(refusal: &Refusal) {
    assert!(refusal.status.is_client_error() && !refusal.reason.chars().any(char::is_control), "{refusal}");
}
