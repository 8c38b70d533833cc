//! The one host that a request is for, whichever way its version says so.

use http::Version;
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::uri::Authority;

/// Leaves exactly one `Host`, the valid authority of the request: that of an absolute target (RFC 9112
/// §3.2.2), of `:authority` (RFC 9113 §8.3.1), or of `Host` itself, which may be empty (§3.2: it then says
/// nothing). HTTP/1.0 may be without.
///
/// # Errors
/// What is wrong, for the peer: none, several, not a host and port, or two that differ.
pub(super) fn settle(head: &mut Parts) -> Result<(), String> {
    let mut hosts = head.headers.get_all(header::HOST).iter();
    let (host, another) = (hosts.next(), hosts.next());
    if another.is_some() {
        return Err("Host occurs more than once.".to_owned());
    }
    let missing = host.is_none();
    let host = host.filter(|host| !host.is_empty()).map(valid).transpose()?;
    let target = head.uri.authority();
    match (&host, target, head.version) {
        (_, _, Version::HTTP_11) | (_, None, Version::HTTP_2) if missing => Err("Host is missing.".to_owned()),
        (_, None, _) => Ok(()),
        (Some(host), Some(target), Version::HTTP_2) if host != target => Err("Host and :authority differ.".to_owned()),
        (_, Some(target), _) => {
            let host = HeaderValue::try_from(target.as_str()).map_err(|_| malformed(target.as_str()))?;
            valid(&host)?;
            head.headers.insert(header::HOST, host);
            Ok(())
        }
    }
}

/// Host and port of a header, without user information (RFC 9110 §4.2.4).
///
/// # Errors
/// What is wrong, for the peer.
pub(super) fn valid(host: &HeaderValue) -> Result<Authority, String> {
    let text = host.to_str().map_err(|_| malformed(&String::from_utf8_lossy(host.as_bytes())))?;
    let authority = Authority::try_from(text).map_err(|_| malformed(text))?;
    let port = text.rsplit_once(']').map_or(text, |(_, rest)| rest).split_once(':').map(|(_, port)| port);
    let bad_port = port.is_some_and(|port| !port.is_empty() && port.parse::<u16>().is_err());
    match authority.host().is_empty() || text.contains('@') || bad_port {
        true => Err(malformed(text)),
        false => Ok(authority),
    }
}

fn malformed(host: &str) -> String {
    let cut = host.chars().take(80).collect::<String>();
    format!("Host is {cut:?}, not a host and port.")
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn settled(version: Version, target: &str, hosts: &[&str]) -> Result<Option<String>, String> {
        let mut request = Request::builder().version(version).uri(target);
        for host in hosts {
            request = request.header("host", HeaderValue::from_bytes(host.as_bytes()).unwrap());
        }
        let mut head = request.body(()).unwrap().into_parts().0;
        settle(&mut head)?;
        assert!(head.headers.get_all("host").iter().count() <= 1);
        Ok(head.headers.get("host").map(|host| host.to_str().unwrap().to_owned()))
    }

    #[test]
    fn host_that_is_one_stays() {
        for host in ["a.example", "a.example:8080", "127.0.0.1", "[::1]:80", "xn--bcher-kva.example", "a.example:"] {
            assert_eq!(settled(Version::HTTP_11, "/", &[host]), Ok(Some(host.to_owned())), "{host}");
        }
    }

    #[test]
    fn host_that_is_none_is_refused() {
        for host in [" ", "a b", "u@a.example", "a.example:x", "a.example:99999", "a/b", "[::1", "a?b", "caf\u{e9}"] {
            assert!(settled(Version::HTTP_11, "/", &[host]).is_err(), "{host:?}");
        }
    }

    #[test]
    fn host_missing_or_twice_is_refused() {
        assert!(settled(Version::HTTP_11, "/", &[]).is_err());
        assert!(settled(Version::HTTP_2, "/", &[]).is_err());
        assert!(settled(Version::HTTP_11, "/", &["a", "a"]).is_err());
        assert!(settled(Version::HTTP_10, "/", &["a", "b"]).is_err());
        assert_eq!(settled(Version::HTTP_10, "/", &[]), Ok(None));
        assert_eq!(settled(Version::HTTP_11, "/", &[""]), Ok(Some(String::new())));
    }

    #[test]
    fn absolute_target_counts_before_host() {
        assert_eq!(settled(Version::HTTP_11, "http://a.example/x", &["b.example"]), Ok(Some("a.example".to_owned())));
        assert!(settled(Version::HTTP_11, "http://u:p@a.example/x", &["a.example"]).is_err());
        assert!(settled(Version::HTTP_11, "http://a.example/x", &["b c"]).is_err());
        assert!(settled(Version::HTTP_11, "http://a.example/x", &[]).is_err());
        assert_eq!(settled(Version::HTTP_10, "http://a.example/x", &[]), Ok(Some("a.example".to_owned())));
    }

    #[test]
    fn http_2_wants_both_the_same() {
        assert_eq!(settled(Version::HTTP_2, "https://a.example/", &[]), Ok(Some("a.example".to_owned())));
        assert_eq!(settled(Version::HTTP_2, "https://a.example/", &["A.example"]), Ok(Some("a.example".to_owned())));
        assert!(settled(Version::HTTP_2, "https://a.example/", &["b.example"]).is_err());
    }
}
