//! How many connections one client address may have at once, and how many new ones in a second.
//!
//! Owns the count of each address, for as long as it has a connection or has just had some. Behind a trusted proxy the
//! connections are the proxy's: there a client's websockets count, by the address that the proxy tells. Does not know sockets.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::limits;
use crate::rate::{Quota, Taken};

/// What one client address may have.
#[derive(Clone, Copy, Debug)]
pub struct ClientLimits {
    /// Connections at once.
    pub connections_max: ClientLimit,
    /// New ones in a second.
    pub connections_per_s: ClientLimit,
}

/// One of these limits; zero stands for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientLimit {
    /// Nobody has said anything: it does not hold for this machine itself, nor for a proxy on it.
    Default(u32),
    /// Somebody has asked for it: it holds for all.
    Asked(u32),
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self {
            connections_max: ClientLimit::Default(limits::CLIENT_CONNECTIONS_MAX),
            connections_per_s: ClientLimit::Default(limits::CLIENT_CONNECTIONS_PER_S),
        }
    }
}

impl ClientLimit {
    fn of(self, address: IpAddr) -> Option<u32> {
        let limit = match self {
            Self::Default(_) if address.is_loopback() => 0,
            Self::Default(limit) | Self::Asked(limit) => limit,
        };
        Some(limit).filter(|limit| *limit > 0)
    }
}

/// All client addresses that count now.
#[derive(Debug)]
pub struct Clients {
    limits: ClientLimits,
    known: Mutex<HashMap<IpAddr, Client>>,
}

#[derive(Debug, Default)]
struct Client {
    connections: u32,
    welcome: Taken,
    refused: Taken,
}

/// What becomes of a connection.
#[derive(Debug)]
pub enum Admission {
    /// It is served.
    Welcome(Visit),
    /// It is past a limit, and is told so: 429.
    Refused(Visit),
    /// There are as many again past a limit: it is ended at once, since to tell it takes work too.
    Unanswered,
}

/// A connection of a client address, until its drop.
#[derive(Debug)]
pub struct Visit {
    clients: Arc<Clients>,
    address: IpAddr,
}

impl Clients {
    /// Nobody yet.
    #[must_use]
    pub fn new(limits: ClientLimits) -> Self {
        Self { limits, known: Mutex::default() }
    }

    /// A connection of this address has come.
    pub fn admit(self: &Arc<Self>, address: IpAddr, now: Instant) -> Admission {
        let address = one_client(address);
        let connections_max = self.limits.connections_max.of(address).unwrap_or(u32::MAX);
        let per_s = self.limits.connections_per_s.of(address);
        let mut known = self.lock();
        if !known.contains_key(&address) && known.len() >= limits::CLIENTS_MAX {
            forget(&mut known, now);
            if known.len() >= limits::CLIENTS_MAX {
                return Admission::Unanswered;
            }
        }
        let client = known.entry(address).or_default();
        let quota = per_s.map(|per_s| Quota::a_second(per_s, per_s));
        let may = |taken: &mut Taken| quota.as_ref().is_none_or(|quota| taken.take(quota, now));
        let visit = |client: &mut Client| {
            client.connections += 1;
            Visit { clients: self.clone(), address }
        };
        if client.connections < connections_max && may(&mut client.welcome) {
            return Admission::Welcome(visit(client));
        }
        if client.connections < connections_max.saturating_mul(2) && may(&mut client.refused) {
            return Admission::Refused(visit(client));
        }
        Admission::Unanswered
    }

    /// Forgets addresses that have no connections, nor had too many just now. To be called every [`limits::SWEEP`].
    pub fn sweep(&self, now: Instant) {
        forget(&mut self.lock(), now);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, Client>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        if let Some(client) = self.clients.lock().get_mut(&self.address) {
            client.connections -= 1;
        }
    }
}

fn forget(known: &mut HashMap<IpAddr, Client>, now: Instant) {
    known.retain(|_, client| client.connections > 0 || !client.welcome.is_over(now) || !client.refused.is_over(now));
    if known.capacity() > 4 * known.len() + 64 {
        known.shrink_to_fit();
    }
}

/// What stands for one client: an IPv6 network of 64 bits, for whoever has an address of it has all.
fn one_client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into()
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn clients(connections_max: u32, per_s: u32) -> Arc<Clients> {
        let [connections_max, connections_per_s] = [connections_max, per_s].map(ClientLimit::Default);
        Arc::new(Clients::new(ClientLimits { connections_max, connections_per_s }))
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn connections_past_the_limit_are_told_and_then_not_even_that() {
        let (clients, now) = (clients(2, 0), Instant::now());
        let admit = |from: &str| clients.admit(address(from), now);
        let mut visits = Vec::new();
        for _ in 0..2 {
            let Admission::Welcome(visit) = admit("192.0.2.1") else { panic!("welcome") };
            visits.push(visit);
        }
        for _ in 0..2 {
            let Admission::Refused(visit) = admit("192.0.2.1") else { panic!("refused") };
            visits.push(visit);
        }
        assert!(matches!(admit("::ffff:192.0.2.1"), Admission::Unanswered), "the same address");
        assert!(matches!(admit("192.0.2.2"), Admission::Welcome(_)), "another is another");
        visits.clear();
        assert!(matches!(admit("192.0.2.1"), Admission::Welcome(_)));
        clients.sweep(now);
        assert!(clients.lock().is_empty());
    }

    #[test]
    fn connections_in_a_second_are_counted_though_they_end() {
        let (clients, begin) = (clients(0, 20), Instant::now());
        let count = |now: Instant| {
            let all: Vec<_> = (0..100).map(|_| clients.admit(address("192.0.2.1"), now)).collect();
            let welcome = all.iter().filter(|one| matches!(one, Admission::Welcome(_))).count();
            (welcome, all.iter().filter(|one| matches!(one, Admission::Refused(_))).count())
        };
        assert_eq!(count(begin), (20, 20));
        clients.sweep(begin + Duration::from_millis(900));
        assert_eq!(count(begin + Duration::from_millis(900)), (18, 18));
        clients.sweep(begin + Duration::from_secs(3));
        assert!(clients.lock().is_empty());
    }

    #[test]
    fn loopback_is_free_unless_somebody_asks_and_a_network_of_64_bits_is_one_client() {
        let (clients, now) = (clients(1, 1), Instant::now());
        let all: Vec<_> = (0..50).map(|_| clients.admit(address("127.0.0.1"), now)).collect();
        assert!(all.iter().all(|one| matches!(one, Admission::Welcome(_))));
        let _first = clients.admit(address("2001:db8::1"), now);
        assert!(matches!(clients.admit(address("2001:db8::2:1"), now), Admission::Refused(_)));
        assert!(matches!(clients.admit(address("2001:db8:0:1::1"), now), Admission::Welcome(_)));
        let asked = ClientLimit::Asked(1);
        let clients = Arc::new(Clients::new(ClientLimits { connections_max: asked, connections_per_s: asked }));
        let _first = clients.admit(address("::1"), now);
        assert!(matches!(clients.admit(address("::1"), now), Admission::Refused(_)));
    }
}
