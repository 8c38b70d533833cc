//! Grants: which hosts the manifest lets a handler speak to. Pure.

use std::fmt;
use std::net::IpAddr;

use super::address::{Reach, reach};
use super::target::{Host, Scheme, Target};

/// One entry of `outbound` or `outbound_private`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    scheme: Scheme,
    hosts: Hosts,
    port: u16,
    reach: Reach,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    One(Host),
    /// `*.` and this name: one label before it.
    Below(Box<str>),
}

/// How far a name's addresses may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// `outbound`: on the internet.
    Public,
    /// `outbound_private`: on the operator's own network too.
    Private,
}

/// The text is no grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAGrant {
    /// It has another form.
    #[error(
        "allowed: a host such as \"api.example.com\" (https), \"https://api.example.com:8443\", \
         \"http://api.example.com\" or \"*.example.com\" (one label); no path, no user"
    )]
    Form,
    /// No request could ever go there.
    #[error("this address is multicast, reserved or otherwise no host's")]
    Nowhere,
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, port) = (self.scheme, self.port);
        match &self.hosts {
            Hosts::One(host) => write!(f, "{scheme}://{host}:{port}")?,
            Hosts::Below(name) => write!(f, "{scheme}://*.{name}:{port}")?,
        }
        match self.reach {
            Reach::Private => write!(f, " (also on private networks)"),
            _ => Ok(()),
        }
    }
}

impl Grant {
    /// Reads one: a host, with `http://` or `https://` before it and a port after it, or without.
    ///
    /// # Errors
    /// See [`NotAGrant`].
    pub fn parse(text: &str, network: Network) -> Result<Self, NotAGrant> {
        let (scheme, authority) = match text.split_once("://") {
            Some((scheme, authority)) => (Scheme::parse(scheme).ok_or(NotAGrant::Form)?, authority),
            None => (Scheme::Https, text),
        };
        let below = authority.strip_prefix("*.");
        let Target { host, port, .. } = Target::new(scheme, below.unwrap_or(authority)).map_err(|_| NotAGrant::Form)?;
        let reach = match (&host, network) {
            (Host::Address(address), _) => Self::reach_of(*address)?,
            (Host::Name(_), Network::Public) => Reach::Public,
            (Host::Name(_), Network::Private) => Reach::Private,
        };
        let hosts = match (below, host) {
            (None, host) => Hosts::One(host),
            // `*.com` would grant the internet.
            (Some(_), Host::Name(name)) if name.contains('.') => Hosts::Below(name),
            (Some(_), _) => return Err(NotAGrant::Form),
        };
        Ok(Self { scheme, hosts, port, reach })
    }

    /// An address that is written out was meant: DNS has no say in it.
    fn reach_of(address: IpAddr) -> Result<Reach, NotAGrant> {
        match reach(address) {
            Reach::Nowhere => Err(NotAGrant::Nowhere),
            reach => Ok(reach),
        }
    }

    fn covers(&self, target: &Target) -> bool {
        let host = match (&self.hosts, &target.host) {
            (Hosts::One(host), asked) => host == asked,
            (Hosts::Below(name), Host::Name(asked)) => asked.split_once('.').is_some_and(|(_, above)| above == &**name),
            (Hosts::Below(_), Host::Address(_)) => false,
        };
        host && self.scheme == target.scheme && self.port == target.port
    }
}

/// How far these grants let a request for a target go; none: nowhere.
pub(super) fn granted(grants: &[Grant], target: &Target) -> Option<Reach> {
    grants.iter().filter(|grant| grant.covers(target)).map(|grant| grant.reach).max()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    fn granted_by(grants: &[&str], uri: &str) -> Option<Reach> {
        let grants: Vec<_> = grants.iter().map(|grant| Grant::parse(grant, Network::Public).unwrap()).collect();
        granted(&grants, &Target::of(&uri.parse().unwrap()).unwrap())
    }

    #[test]
    fn grant_is_for_one_scheme_host_and_port() {
        for uri in ["https://api.example.com/", "https://API.example.com:443/x"] {
            assert_eq!(granted_by(&["api.example.com"], uri), Some(Reach::Public), "{uri}");
        }
        for uri in [
            "http://api.example.com/",
            "http://api.example.com:443/",
            "https://api.example.com:8443/",
            "https://example.com/",
            "https://x.api.example.com/",
            "https://api.example.com.evil.example/",
            "https://evil-api.example.com/",
        ] {
            assert_eq!(granted_by(&["api.example.com"], uri), None, "{uri}");
        }
        assert_eq!(granted_by(&["http://x.example:8080"], "http://x.example:8080/"), Some(Reach::Public));
        assert_eq!(granted_by(&[], "https://api.example.com/"), None);
    }

    #[test]
    fn wildcard_is_one_label() {
        assert_eq!(granted_by(&["*.example.com"], "https://a.example.com/"), Some(Reach::Public));
        for uri in
            ["https://example.com/", "https://a.b.example.com/", "https://aexample.com/", "http://a.example.com/"]
        {
            assert_eq!(granted_by(&["*.example.com"], uri), None, "{uri}");
        }
    }

    #[test]
    fn address_is_granted_as_it_is_written_only() {
        assert_eq!(granted_by(&["http://127.0.0.1:8080"], "http://127.0.0.1:8080/"), Some(Reach::Private));
        assert_eq!(granted_by(&["http://169.254.169.254"], "http://169.254.169.254/"), Some(Reach::Link));
        for uri in ["http://[::ffff:127.0.0.1]:8080/", "http://localhost:8080/", "http://127.0.0.2:8080/"] {
            assert_eq!(granted_by(&["http://127.0.0.1:8080"], uri), None, "{uri}");
        }
    }

    #[test]
    fn private_grant_reaches_further_than_a_public_one_of_the_same_name() {
        let grants = [Network::Public, Network::Private].map(|network| Grant::parse("db.internal", network).unwrap());
        let target = Target::of(&"https://db.internal/".parse().unwrap()).unwrap();
        assert_eq!(granted(&grants[..1], &target), Some(Reach::Public));
        assert_eq!(granted(&grants, &target), Some(Reach::Private));
    }

    #[test]
    fn text_that_is_no_grant_is_refused() {
        for text in [
            "",
            "*",
            "*.com",
            "*.127.0.0.1",
            "a.*.example.com",
            "api.example.com/path",
            "https://api.example.com/",
            "user@api.example.com",
            "ws://api.example.com",
            "127.1",
            "api.example.com:0",
            "api.example.com.",
            "api.example.com, b.example.com",
        ] {
            assert_eq!(Grant::parse(text, Network::Private), Err(NotAGrant::Form), "{text}");
        }
        for text in ["http://0.0.0.0", "http://[::]:80", "http://255.255.255.255", "http://[2002:7f00:1::]"] {
            assert_eq!(Grant::parse(text, Network::Private), Err(NotAGrant::Nowhere), "{text}");
        }
    }
}
