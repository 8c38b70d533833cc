//! A group under peers that are slow, vanish and come back, and a host that is killed: by a seed, with a clock that is stepped, ten thousand
//! times over. Nobody misses a publication without a word: it was counted as full for them, or their join said that it was not recovered.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::FutureExt;

use super::*;
use crate::outbox::{Bounds, Held, Outbox, Outboxes, Outgoing, Overflow};

const SEEDS: u64 = 10_000;
const STEPS: usize = 120;
const PEERS: usize = 5;
const DEPTH: Depth = Depth { messages_max: 8, bytes_max: 1000, age_max: std::time::Duration::from_secs(30) };

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

/// A peer, over all of its connections. Publications are numbered from 1, over all lives of the host.
#[derive(Default)]
struct Peer {
    connection: Option<Connection>,
    /// The newest publication that it has, and where that was.
    newest: u64,
    position: Option<Position>,
    /// What it knows to have missed: counted as full for it, or not recovered.
    excused: BTreeSet<u64>,
    got: BTreeSet<u64>,
    /// Since its first join, what was published.
    since: u64,
}

struct Connection {
    id: WebsocketId,
    _membership: Membership,
    outbox: Arc<Outbox>,
    room: u32,
    waiting: u32,
}

struct World {
    groups: Arc<Groups>,
    dice: Dice,
    now: u64,
    durable: bool,
    peers: [Peer; PEERS],
    published: u64,
    positions: BTreeMap<u64, Position>,
    ids: u64,
    watcher: Watcher,
}

/// Follows what is told of presence, and has room for all of it.
struct Watcher {
    _membership: Membership,
    id: WebsocketId,
    publications: Arc<Publications>,
    known: BTreeSet<WebsocketId>,
}

impl World {
    fn new(seed: u64) -> Self {
        let groups = host(0);
        let watcher = Watcher::new(&groups, WebsocketId(u64::MAX));
        let dice = Dice(seed);
        let durable = seed.is_multiple_of(2);
        let peers = std::array::from_fn(|_| Peer::default());
        let positions = BTreeMap::new();
        Self { groups, dice, now: 0, durable, peers, published: 0, positions, ids: 0, watcher }
    }

    fn step(&mut self) {
        let peer = self.dice.roll(PEERS as u64) as usize;
        match self.dice.roll(20) {
            0..=6 => self.publish(),
            7..=11 => self.take(peer),
            12 | 13 => self.vanish(peer),
            14..=16 => self.come(peer),
            17 => self.watcher.follow(&self.groups),
            18 => {
                self.now += self.dice.roll(20);
                set(&self.groups, self.now);
                self.groups.sweep();
            }
            _ if self.dice.roll(4) == 0 => self.restart(),
            _ => {}
        }
    }

    fn publish(&mut self) {
        self.published += 1;
        let number = self.published;
        let message = Message::Text(number.to_string().into());
        let delivery = self.groups.publish("g", message, None).now_or_never().unwrap().unwrap();
        self.positions.insert(number, delivery.position.unwrap());
        let (mut queued, mut full) = (0, 0);
        for peer in &mut self.peers {
            let Some(connection) = &mut peer.connection else { continue };
            if connection.waiting < connection.room {
                connection.waiting += 1;
                queued += 1;
            } else {
                full += 1;
                peer.excused.insert(number);
            }
        }
        assert_eq!((delivery.queued, delivery.full, delivery.gone), (queued, full, 0), "each member is counted");
    }

    fn take(&mut self, peer: usize) {
        let many = self.dice.roll(4);
        for _ in 0..many {
            self.take_one(peer);
        }
    }

    /// Whether there was one.
    fn take_one(&mut self, peer: usize) -> bool {
        let Self { peers, positions, .. } = self;
        let peer = &mut peers[peer];
        let Some(connection) = &mut peer.connection else { return false };
        let number = match connection.outbox.take() {
            Some(Outgoing::Message(Message::Text(text))) => text.parse().unwrap(),
            _ => return false,
        };
        connection.waiting -= 1;
        assert!(number > peer.newest, "in order, and once");
        for missed in peer.newest + 1..number {
            let known = missed <= peer.since || peer.excused.contains(&missed);
            assert!(known, "{missed} is missing without a word");
        }
        peer.got.insert(number);
        (peer.newest, peer.position) = (number, positions.get(&number).copied());
        true
    }

    fn vanish(&mut self, peer: usize) {
        self.peers[peer].connection = None;
    }

    fn come(&mut self, peer: usize) {
        if self.peers[peer].connection.is_some() {
            return;
        }
        self.ids += 1;
        let (id, room) = (WebsocketId(self.ids), 2 + self.dice.roll(12) as u32);
        let bounds =
            Bounds { bytes_max: usize::MAX, messages_max: room, overflow: Overflow::Wait, held: Held::UntilWritten };
        let outbox = Arc::new(Outbox::new(Arc::new(bounds), Arc::new(Outboxes::new(limits::MIB))));
        let membership = Membership::new(self.groups.clone(), id);
        membership.join("p", &How::default(), &self.watcher.sink()).unwrap();
        let peer = &mut self.peers[peer];
        let how = How::new(None, Vec::new(), peer.position).unwrap();
        let joined = membership.join("g", &how, &Sink::Outbox(outbox.clone())).unwrap();
        if peer.position.is_none() {
            peer.since = self.published;
        }
        if joined.recovered {
            assert_eq!(u64::from(joined.publications), self.published - peer.newest, "all that it has not got, once");
            peer.excused.retain(|number| *number <= peer.newest);
        } else if peer.position.is_some() {
            peer.excused.extend(peer.newest + 1..=self.published);
        }
        let waiting = joined.publications;
        peer.connection = Some(Connection { id, _membership: membership, outbox, room, waiting });
    }

    /// The host is killed: connections are gone, and what it had in memory.
    fn restart(&mut self) {
        for peer in &mut self.peers {
            peer.connection = None;
        }
        let kept = self.groups.history("g", None, usize::MAX).unwrap();
        let groups = host(self.now);
        if self.durable {
            let mut kept = Restored { name: "g".into(), position: kept.position, kept: kept.publications };
            // One that was committed and not told any more.
            if self.dice.roll(3) == 0 {
                self.published += 1;
                kept.position.offset += 1;
                self.positions.insert(self.published, kept.position);
                let message = Message::Text(self.published.to_string().into());
                kept.kept.push(Kept { offset: kept.position.offset, at: groups.clock.now(), message, scope: None });
            }
            let rules = groups.rules.load_full();
            // As memory would be again: this history is not written to a disk in each of ten thousand lives.
            let (name, rule) = (kept.name.clone(), rules.of("g"));
            let history = kept.history(rule, &groups.kept_bytes, groups.clock.now());
            let group = Group::new(name.clone(), rule, &groups.kept_bytes);
            *group.lock().history().unwrap() = history;
            lock(&groups.all).insert(name, Arc::new(group));
        }
        self.watcher = Watcher::new(&groups, WebsocketId(u64::MAX));
        self.groups = groups;
    }

    fn check(&mut self) {
        let there = self.peers.iter().filter_map(|peer| peer.connection.as_ref()).map(|connection| connection.id);
        let there: BTreeSet<_> = there.chain([self.watcher.id]).collect();
        let members = self.groups.members("p", Page { limit: 99, ..Page::default() }).unwrap();
        assert_eq!(
            members.iter().map(|member| member.id).collect::<BTreeSet<_>>(),
            there,
            "members are who is connected"
        );
        self.watcher.follow(&self.groups);
        assert_eq!(self.watcher.known, there, "and presence says so");
    }

    /// Everybody comes back and takes all: what each has is all there was, but what it was told of.
    fn end(mut self) {
        for peer in 0..PEERS {
            self.come(peer);
            while self.take_one(peer) {}
            let peer = &self.peers[peer];
            for number in peer.since + 1..=self.published {
                let known = peer.got.contains(&number) || peer.excused.contains(&number);
                assert!(known || number > peer.newest && peer.got.is_empty(), "{number} is missing without a word");
            }
        }
        self.check();
    }
}

impl Watcher {
    fn new(groups: &Arc<Groups>, id: WebsocketId) -> Self {
        let bounds = Bounds {
            bytes_max: usize::MAX,
            messages_max: u32::MAX,
            overflow: Overflow::Wait,
            held: Held::UntilWritten,
        };
        let publications = Arc::new(Publications::new(Arc::new(bounds)));
        let membership = Membership::new(groups.clone(), id);
        membership.join("p", &How::default(), &Sink::Handler(publications.clone())).unwrap();
        Self { _membership: membership, id, publications, known: BTreeSet::new() }
    }

    /// Where others put what they are told of presence: here it is told again.
    fn sink(&self) -> Sink {
        Sink::Handler(self.publications.clone())
    }

    fn follow(&mut self, groups: &Groups) {
        groups.tell_presence();
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        while let std::task::Poll::Ready(told) = self.publications.poll_take(99, &mut cx) {
            for publication in told {
                let Content::Presence(presence) = publication.content else { continue };
                self.known.retain(|id| !presence.left.contains(id));
                self.known.extend(presence.joined.iter().map(|present| present.id));
            }
        }
    }
}

fn host(now: u64) -> Arc<Groups> {
    let groups = Arc::new(Groups { clock: Clock::Stepped(now.into()), ..Groups::default() });
    let kept = Rule { history: Some(DEPTH), ..Rule::default() };
    let told = Rule { presence: true, ..Rule::default() };
    groups.rule(Rules::new(vec![(Names::parse("g"), kept), (Names::parse("p"), told)]));
    groups
}

fn set(groups: &Groups, now: u64) {
    if let Clock::Stepped(clock) = &groups.clock {
        clock.store(now, std::sync::atomic::Ordering::Relaxed);
    }
}

#[test]
fn group_under_ten_thousand_seeds_has_no_silent_gap_and_no_ghost() {
    for seed in 0..SEEDS {
        let outcome = std::panic::catch_unwind(|| {
            let mut world = World::new(seed);
            for step in 0..STEPS {
                world.step();
                if step % 16 == 0 {
                    world.check();
                }
            }
            world.end();
        });
        assert!(outcome.is_ok(), "seed {seed}");
    }
}
