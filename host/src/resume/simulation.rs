//! A host, a peer as docs/resume.md has it, and connections between them that are lost at any point: what each side sends reaches
//! the other in order, none missing and none twice, or the peer is told that it is another websocket.

use std::collections::VecDeque;
use std::sync::Arc;

use super::frame::{self, Frame};
use super::token::{Token, Tokens};
use super::*;
use crate::event::WebsocketId;
use crate::limits::MIB;
use crate::outbox::{Bounds, Held, Outboxes, Outgoing, Overflow, Pushed};

const SEEDS: u64 = 20_000;
const PATIENCE: Duration = Duration::from_secs(60);

/// SplitMix64: the same runs everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// The bytes of one connection that are under way, both ways. Each side learns of the loss once it has read what came before.
#[derive(Default)]
struct Pipe {
    to_host: VecDeque<Message>,
    to_peer: VecDeque<Message>,
    lost: bool,
}

impl Pipe {
    /// What is written after the loss arrives nowhere.
    fn write_to_host(&mut self, frames: impl IntoIterator<Item = Message>) {
        self.to_host.extend(frames.into_iter().filter(|_| !self.lost));
    }

    fn write_to_peer(&mut self, frames: impl IntoIterator<Item = Message>) {
        self.to_peer.extend(frames.into_iter().filter(|_| !self.lost));
    }
}

/// One websocket of the host, with the guest that it has.
struct Hosted {
    id: u64,
    resume: Resume,
    outbox: Outbox,
    tokens: Tokens,
    connection: Option<usize>,
    /// Messages that the guest has sent, and that were taken.
    sent: u64,
    pending: VecDeque<u64>,
    in_hand: Option<u64>,
    done: Vec<u64>,
}

/// The peer: as the browser's client is.
#[derive(Default)]
struct Peer {
    connection: Option<usize>,
    welcomed: bool,
    token: Option<Token>,
    received: u64,
    acknowledged: u64,
    /// The number of the first of `unacknowledged`, as this websocket counts.
    first: u64,
    unacknowledged: VecDeque<u64>,
    sent: u64,
    /// What came since the last websocket that was new: of which one, and the number of the last.
    seen: Option<(u64, u64)>,
    fresh: u64,
    resumed: u64,
}

struct World {
    random: Random,
    now: Instant,
    overflow: Overflow,
    pipes: Vec<Pipe>,
    host: Option<Hosted>,
    /// What guests have done with, over all websockets.
    done: Vec<(u64, Vec<u64>)>,
    websockets: u64,
    peer: Peer,
    restarts: u64,
}

fn text(text: String) -> Message {
    Message::Text(text.into())
}

fn number(message: &Message) -> u64 {
    std::str::from_utf8(message.as_bytes()).unwrap().parse().unwrap()
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let overflow = [Overflow::Wait, Overflow::Close, Overflow::DropOldest][random.below(3) as usize];
        let (pipes, done) = (Vec::new(), Vec::new());
        Self {
            random,
            now: Instant::now(),
            overflow,
            pipes,
            host: None,
            done,
            websockets: 0,
            peer: Peer::default(),
            restarts: 0,
        }
    }

    fn step(&mut self) {
        match self.random.below(100) {
            0..15 => self.guest_sends(),
            15..32 => self.host_writes(),
            32..48 => self.host_reads(),
            48..60 => self.guest_works(),
            60..70 => self.peer_sends(),
            70..88 => self.peer_reads(),
            88..92 => self.lose(),
            92..97 => self.connect(),
            97 => self.now += Duration::from_millis(self.random.below(3000)),
            98 if self.random.below(8) == 0 => self.now += PATIENCE,
            99 if self.random.below(8) == 0 => self.restart(),
            _ => {}
        }
        self.expire();
    }

    /// Nothing more is lost or sent: all arrives.
    fn calm(&mut self) {
        for _ in 0..10_000 {
            if self.peer.connection.is_none() {
                self.connect();
            }
            self.now += Duration::from_millis(100);
            self.host_writes();
            self.peer_reads();
            self.host_reads();
            self.guest_works();
            self.expire();
            let quiet = self.pipes.last().is_some_and(|pipe| pipe.to_host.is_empty() && pipe.to_peer.is_empty());
            let idle = |host: &Hosted| host.outbox.bytes() == 0 && host.pending.is_empty() && host.in_hand.is_none();
            if quiet
                && self.peer.welcomed
                && self.peer.unacknowledged.is_empty()
                && self.host.as_ref().is_some_and(idle)
            {
                return;
            }
        }
        let Peer { connection, welcomed, unacknowledged, first, received, .. } = &self.peer;
        let host = self.host.as_ref().map(|host| (&host.resume, &host.outbox, &host.pending, host.in_hand));
        panic!("no rest: {connection:?} {welcomed} {received} {first} {unacknowledged:?}, {host:#?}");
    }

    fn guest_sends(&mut self) {
        let Some(host) = &mut self.host else { return };
        let payload = text(format!("{}:{}", host.id, host.sent + 1));
        if matches!(host.outbox.push(frame::message(&payload)), Pushed::Queued(_)) {
            host.sent += 1;
        }
    }

    fn host_writes(&mut self) {
        let Some(host) = &mut self.host else { return };
        let Some(connection) = host.connection else { return self.close_what_is_full() };
        let pipe = &mut self.pipes[connection];
        host.resume.settle(host.pending.len() + usize::from(host.in_hand.is_some()));
        pipe.write_to_peer(host.resume.tell(self.now).map(frame::acknowledge));
        for _ in 0..self.random.below(4) {
            match host.outbox.take() {
                Some(Outgoing::Message(message)) => {
                    host.resume.send();
                    pipe.write_to_peer([message]);
                }
                Some(Outgoing::Close(_)) => return self.end(),
                _ => {}
            }
        }
    }

    fn close_what_is_full(&mut self) {
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        if self.host.as_ref().is_some_and(|host| host.outbox.poll_ready(&mut cx).is_ready()) {
            self.end();
        }
    }

    fn host_reads(&mut self) {
        let Some(host) = &mut self.host else { return };
        let Some(connection) = host.connection else { return };
        let Some(frame) = self.pipes[connection].to_host.pop_front() else {
            if self.pipes[connection].lost {
                host.resume.leave(&host.outbox, self.now);
                host.connection = None;
            }
            return;
        };
        // Whatever it is: the peer sends nothing before it has the welcome.
        host.tokens.confirm();
        match frame::read(&frame).unwrap() {
            Frame::Acknowledge(number) => {
                host.resume.acknowledge(number, &host.outbox).unwrap();
            }
            Frame::Message(message) => {
                host.resume.receive(self.now);
                match number(&message) % 5 {
                    // The host answers this one by itself.
                    0 => {
                        host.resume.answer();
                        host.done.push(number(&message));
                    }
                    _ => host.pending.push_back(number(&message)),
                }
            }
        }
    }

    fn guest_works(&mut self) {
        let Some(host) = &mut self.host else { return };
        host.done.extend(host.in_hand.take());
        host.in_hand = host.pending.pop_front();
    }

    fn peer_sends(&mut self) {
        let peer = &mut self.peer;
        peer.sent += 1;
        peer.unacknowledged.push_back(peer.sent);
        if let (Some(connection), true) = (peer.connection, peer.welcomed) {
            self.pipes[connection].write_to_host([frame::message(&text(peer.sent.to_string()))]);
        }
    }

    fn peer_reads(&mut self) {
        let Some(connection) = self.peer.connection else { return };
        let Some(frame) = self.pipes[connection].to_peer.pop_front() else {
            if self.pipes[connection].lost {
                self.peer.connection = None;
            } else if self.peer.welcomed && self.peer.acknowledged < self.peer.received {
                self.peer.acknowledged = self.peer.received;
                self.pipes[connection].write_to_host([frame::acknowledge(self.peer.received)]);
            }
            return;
        };
        let all = String::from_utf8(frame.as_bytes().to_vec()).unwrap();
        match all.split_once('\n') {
            Some((_, payload)) => self.peer_has(payload),
            None => {
                let head: serde_json::Value = serde_json::from_str(&all).unwrap();
                match head["ack"].as_u64() {
                    Some(number) => self.peer_forgets(number),
                    None => self.peer_is_welcomed(&head, connection),
                }
            }
        }
    }

    fn peer_has(&mut self, payload: &str) {
        let (websocket, number) = payload.split_once(':').unwrap();
        let (websocket, number) = (websocket.parse::<u64>().unwrap(), number.parse::<u64>().unwrap());
        self.peer.received += 1;
        match self.peer.seen.replace((websocket, number)) {
            Some((before, last)) => {
                assert_eq!(before, websocket, "another websocket, and nobody said so");
                let dropped = number > last && self.overflow == Overflow::DropOldest;
                assert!(number == last + 1 || dropped, "{number} after {last}");
            }
            None => assert!(number == 1 || self.overflow == Overflow::DropOldest, "{number} is the first"),
        }
    }

    fn peer_forgets(&mut self, number: u64) {
        while self.peer.first <= number {
            self.peer.unacknowledged.pop_front().expect("it was sent");
            self.peer.first += 1;
        }
    }

    fn peer_is_welcomed(&mut self, head: &serde_json::Value, connection: usize) {
        let peer = &mut self.peer;
        peer.token = Token::parse(head["token"].as_str().unwrap());
        let received = head["received"].as_u64().unwrap();
        if head["resumed"] == true {
            peer.resumed += 1;
        } else {
            (peer.received, peer.first, peer.seen) = (0, 1, None);
            peer.fresh += 1;
        }
        peer.welcomed = true;
        peer.acknowledged = peer.received;
        let pipe = &mut self.pipes[connection];
        pipe.write_to_host([frame::acknowledge(peer.received)]);
        let known = (received + 1 - peer.first) as usize;
        pipe.write_to_host(peer.unacknowledged.iter().skip(known).map(|sent| frame::message(&text(sent.to_string()))));
    }

    /// What is under way arrives up to some point; each side notices when it notices.
    fn lose(&mut self) {
        let Some(pipe) = self.pipes.last_mut().filter(|pipe| !pipe.lost) else { return };
        pipe.lost = true;
        pipe.to_host.truncate(self.random.below(4) as usize);
        pipe.to_peer.truncate(self.random.below(4) as usize);
        if self.random.below(2) == 0 {
            // Half-open: only the peer has noticed.
            self.peer.connection = None;
        }
    }

    fn connect(&mut self) {
        if self.peer.connection.is_some() {
            return;
        }
        self.pipes.push(Pipe::default());
        let connection = self.pipes.len() - 1;
        (self.peer.connection, self.peer.welcomed) = (Some(connection), false);
        let (token, received, now) = (self.peer.token.clone(), self.peer.received, self.now);
        if let (Some(host), Some(token)) = (&mut self.host, token)
            && host.tokens.admit(&token)
            && host.resume.may_come_back(received, &host.outbox)
        {
            host.resume.come_back(received, &host.outbox, now).unwrap();
            host.connection = Some(connection);
            let welcome = welcome(&host.tokens.renew(&token), true, host.resume.received());
            self.pipes[connection].write_to_peer([welcome]);
            return;
        }
        // The one before may still wait for its peer; the guests of both are others.
        self.end();
        self.open(connection);
    }

    fn open(&mut self, connection: usize) {
        self.websockets += 1;
        let (tokens, token) = Tokens::new(WebsocketId(self.websockets));
        let bounds =
            Bounds { bytes_max: 400, messages_max: 20, overflow: self.overflow, held: Held::UntilAcknowledged };
        let resume = Resume::new(PATIENCE);
        self.pipes[connection].write_to_peer([welcome(&token, false, 0)]);
        self.host = Some(Hosted {
            id: self.websockets,
            resume,
            outbox: Outbox::new(Arc::new(bounds), Arc::new(Outboxes::new(MIB))),
            tokens,
            connection: Some(connection),
            sent: 0,
            pending: VecDeque::new(),
            in_hand: None,
            done: Vec::new(),
        });
    }

    fn restart(&mut self) {
        self.restarts += 1;
        self.end();
    }

    fn expire(&mut self) {
        let gone = |host: &Hosted| host.resume.gone_at().is_some_and(|at| at <= self.now);
        if self.host.as_ref().is_some_and(gone) {
            self.end();
        }
    }

    fn end(&mut self) {
        let Some(host) = self.host.take() else { return };
        if let Some(connection) = host.connection {
            self.pipes[connection].lost = true;
        }
        self.done.push((host.id, host.done));
    }

    fn check(mut self) -> (u64, u64) {
        self.end();
        let mut all = std::collections::BTreeSet::new();
        for (websocket, done) in &self.done {
            let by_guest = done.iter().filter(|number| *number % 5 != 0);
            assert!(by_guest.is_sorted_by(|a, b| a < b), "websocket {websocket}: {done:?}");
            let once = done.iter().collect::<std::collections::BTreeSet<_>>().len() == done.len();
            assert!(once, "websocket {websocket}: {done:?}");
            all.extend(done.iter().copied());
        }
        assert!(all.iter().copied().eq(1..=self.peer.sent), "something of {} was never done with", self.peer.sent);
        (self.peer.resumed, self.peer.fresh)
    }
}

#[test]
fn messages_over_lost_connections_and_restarts_arrive_in_order_and_once_or_the_peer_is_told() {
    let (mut resumed, mut fresh) = (0, 0);
    for seed in 0..SEEDS {
        let mut world = World::new(seed);
        for _ in 0..300 {
            world.step();
        }
        world.calm();
        let counts = world.check();
        (resumed, fresh) = (resumed + counts.0, fresh + counts.1);
    }
    assert!(resumed > SEEDS && fresh > SEEDS, "{resumed} resumed, {fresh} were new: too few to say anything");
}

#[test]
fn acknowledgement_of_what_was_never_sent_is_refused_and_changes_nothing() {
    let mut world = World::new(0);
    world.connect();
    let host = world.host.as_mut().unwrap();
    assert_eq!(host.resume.acknowledge(1, &host.outbox), Err(NeverSent { acknowledged: 1, sent: 0 }));
    assert!(!host.resume.may_come_back(1, &host.outbox) && host.resume.may_come_back(0, &host.outbox));
}

#[test]
fn done_with_is_told_after_a_second_or_32_messages_and_never_before_the_guest_is() {
    let (start, mut resume) = (Instant::now(), Resume::new(PATIENCE));
    assert_eq!(resume.tell_at(), None);
    resume.receive(start);
    resume.settle(1);
    let due = start + limits::RESUME_ACKNOWLEDGE;
    assert_eq!((resume.tell_at(), resume.tell(start)), (Some(due), None));
    assert_eq!(resume.tell(due), None, "the guest has it in hand");
    resume.settle(0);
    assert_eq!(resume.tell(due), None, "not yet again");
    let again = due + limits::RESUME_ACKNOWLEDGE;
    assert_eq!((resume.tell(again), resume.tell_at()), (Some(1), None));
    for _ in 0..limits::RESUME_ACKNOWLEDGE_MESSAGES {
        resume.receive(again);
    }
    resume.settle(0);
    assert_eq!(resume.tell(again), Some(33));
}

#[test]
fn answered_by_the_host_does_not_count_while_one_before_it_waits() {
    let (now, mut resume) = (Instant::now(), Resume::new(PATIENCE));
    resume.receive(now);
    resume.receive(now);
    resume.answer();
    resume.settle(1);
    assert_eq!(resume.tell(now + limits::RESUME_ACKNOWLEDGE), None);
    resume.settle(0);
    assert_eq!(resume.tell(now + 2 * limits::RESUME_ACKNOWLEDGE), Some(2));
}
