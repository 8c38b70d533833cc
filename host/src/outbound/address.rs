//! Which of a host's addresses a guest may be led to: the rule behind every connection. Pure.
//!
//! A name is the peer's word, and DNS answers what its owner likes (rebinding): so it is the address that
//! is judged, once, and only that very address is connected to. The ranges are IANA's special-purpose
//! registries (RFC 6890); an IPv6 address that embeds an IPv4 one is as good as what it embeds.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far an address is from this host; a grant reaches up to one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// The internet.
    Public,
    /// This machine, or its operator's own network: loopback, RFC 1918, RFC 6598, RFC 4193.
    Private,
    /// What hands out this machine's credentials, or only answers on its link: only a grant of the address
    /// itself leads there.
    Link,
    /// No host: unspecified, multicast, documentation, reserved, translated in ways that nobody vouches for.
    Nowhere,
}

/// Metadata services outside of the link-local ranges (Azure, Alibaba, AWS and Google over IPv6).
const METADATA: [IpAddr; 4] = [
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
];

/// How far an address is.
pub(super) fn reach(address: IpAddr) -> Reach {
    if METADATA.contains(&address) {
        return Reach::Link;
    }
    match address {
        IpAddr::V4(address) => reach_v4(address),
        IpAddr::V6(address) => reach_v6(address),
    }
}

fn reach_v4(address: Ipv4Addr) -> Reach {
    match address.octets() {
        [127 | 10, ..] | [192, 168, ..] => Reach::Private,
        [172, second, ..] if second & 0xf0 == 16 => Reach::Private,
        // Carrier-grade NAT (RFC 6598).
        [100, second, ..] if second & 0xc0 == 64 => Reach::Private,
        [169, 254, ..] => Reach::Link,
        // "This network", IETF protocol assignments, documentation, 6to4 relays, benchmarks.
        [0, ..] | [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [192, 88, 99, _] | [198, 18 | 19, ..] => {
            Reach::Nowhere
        }
        // Multicast, reserved, broadcast.
        [224..=255, ..] => Reach::Nowhere,
        _ => Reach::Public,
    }
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    let [_, _, _, _, _, _, high, low] = address.segments();
    let [a, b] = high.to_be_bytes();
    let [c, d] = low.to_be_bytes();
    let embedded = IpAddr::V4(Ipv4Addr::new(a, b, c, d));
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Reach::Private,
        // IPv4-mapped (RFC 4291 §2.5.5.2), and NAT64's well-known prefix (RFC 6052 §2.1).
        [0, 0, 0, 0, 0, 0xffff, _, _] | [0x64, 0xff9b, 0, 0, 0, 0, _, _] => reach(embedded),
        [first, ..] if first & 0xfe00 == 0xfc00 => Reach::Private,
        [first, ..] if first & 0xffc0 == 0xfe80 => Reach::Link,
        // IETF protocol assignments with Teredo and ORCHID (2001::/23), documentation, 6to4.
        [0x2001, second, ..] if second < 0x200 => Reach::Nowhere,
        [0x2001, 0xdb8, ..] | [0x2002, ..] => Reach::Nowhere,
        [0x3fff, second, ..] if second < 0x1000 => Reach::Nowhere,
        // What is allocated at all (RFC 4291 §2.4); IPv4-compatible addresses are outside of it.
        [first, ..] if first & 0xe000 == 0x2000 => Reach::Public,
        _ => Reach::Nowhere,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    fn check(expected: Reach, addresses: &[&str]) {
        for address in addresses {
            assert_eq!(reach(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn reach_of_the_internet_is_public() {
        let v4 = ["1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255"];
        check(Reach::Public, &v4);
        let edges = ["128.0.0.0", "169.253.255.255", "172.15.0.1", "172.32.0.1", "192.167.0.1", "192.0.1.1"];
        check(Reach::Public, &edges);
        check(Reach::Public, &["198.17.255.255", "198.20.0.0", "223.255.255.255", "168.63.129.17"]);
        check(Reach::Public, &["2606:4700::1111", "2001:200::1", "2001:4860:4860::8888", "2003::1", "3fff:1000::1"]);
    }

    #[test]
    fn reach_of_ones_own_network_is_private() {
        check(Reach::Private, &["127.0.0.1", "127.255.255.254", "10.0.0.1", "10.255.255.255", "192.168.0.1"]);
        check(Reach::Private, &["172.16.0.1", "172.31.255.255", "100.64.0.1", "100.127.255.255"]);
        check(Reach::Private, &["::1", "fc00::1", "fd12:3456::1", "fdff:ffff::"]);
    }

    #[test]
    fn reach_of_link_and_metadata_is_link() {
        check(Reach::Link, &["169.254.169.254", "169.254.0.1", "fe80::1", "febf::1", "fd00:ec2::254"]);
        check(Reach::Link, &["168.63.129.16", "100.100.100.200", "fd20:ce::254"]);
    }

    #[test]
    fn reach_of_no_host_is_nowhere() {
        check(Reach::Nowhere, &["0.0.0.0", "0.1.2.3", "192.0.0.192", "192.0.2.1", "198.51.100.1", "203.0.113.1"]);
        check(Reach::Nowhere, &["198.18.0.1", "198.19.255.255", "192.88.99.1", "224.0.0.1", "239.255.255.255"]);
        check(Reach::Nowhere, &["240.0.0.1", "255.255.255.255", "::", "ff02::1", "fec0::1", "100::1", "5f00::1"]);
        check(Reach::Nowhere, &["2001:db8::1", "3fff::1", "2001:2::1", "2001:10::1", "2001:20::1", "4000::1"]);
    }

    #[test]
    fn reach_of_an_embedded_address_is_what_it_embeds_or_nowhere() {
        check(Reach::Private, &["::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::a00:1"]);
        check(Reach::Link, &["::ffff:169.254.169.254", "64:ff9b::169.254.169.254", "::ffff:168.63.129.16"]);
        check(Reach::Public, &["::ffff:1.1.1.1", "64:ff9b::1.1.1.1"]);
        check(Reach::Nowhere, &["::ffff:0.0.0.0", "64:ff9b::255.255.255.255"]);
        // IPv4-compatible, local NAT64, 6to4, Teredo (client 127.0.0.1, inverted), IPv4-translated, ISATAP's ::.
        let vouched_by_none = ["::127.0.0.1", "::1.1.1.1", "64:ff9b:1::7f00:1", "2002:7f00:1::", "2002:101:101::1"];
        check(Reach::Nowhere, &vouched_by_none);
        check(Reach::Nowhere, &["2001:0:101:101:0:0:80ff:fffe", "::ffff:0:127.0.0.1", "::5efe:127.0.0.1"]);
    }
}
