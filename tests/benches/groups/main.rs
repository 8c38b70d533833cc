//! The benchmark of groups, without sockets: what a membership costs, how fast a publication is queued to ten thousand, and what a storm
//! of those who come and go comes to. Over sockets a broadcast is a row of `ratios`.
//!
//! `cargo bench -p sessile-tests --bench groups`. One thread; memory is what the process holds more than before.

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use sessile::event::{Message, WebsocketId};
use sessile::group::{Depth, Groups, How, Membership, Names, Rule, Rules, Sink};
use sessile::limits;
use sessile::outbox::{Bounds, Held, Outbox, Outboxes, Overflow};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const GROUPS: usize = 100_000;
const MEMBERS: usize = 10;
/// Each websocket is in a hundred of the groups.
const WEBSOCKETS: usize = GROUPS * MEMBERS / 100;
const SPAN: Duration = Duration::from_secs(2);

struct Websocket {
    membership: Membership,
    outbox: Arc<Outbox>,
}

impl Websocket {
    fn join(&self, group: &str) {
        let sink = Sink::Outbox(self.outbox.clone());
        self.membership.join(group, &How::default(), &sink).expect("it joins");
    }
}

fn main() {
    say("| groups, without sockets | goal | |\n|---|---|---|");
    memory();
    for history in [false, true] {
        fan_out(history);
    }
    storm();
}

fn memory() {
    let groups = Arc::new(Groups::default());
    let websockets = websockets(&groups, WEBSOCKETS);
    let names: Vec<_> = (0..GROUPS).map(|group| format!("room:{group:06}")).collect();
    let before = resident();
    for (group, name) in names.iter().enumerate() {
        websockets[group % WEBSOCKETS].join(name);
    }
    let alone = resident() - before;
    for (group, name) in names.iter().enumerate() {
        (1..MEMBERS).for_each(|member| websockets[(group + member * 7) % WEBSOCKETS].join(name));
    }
    let all = resident() - before;
    let each = |bytes: usize, of: usize| bytes / of;
    say(&format!("| a group with one member, B | | {} |", each(alone, GROUPS)));
    say(&format!(
        "| a membership in {GROUPS} groups of {MEMBERS}, the group's share with it, B | 256 | {} |",
        each(all, GROUPS * MEMBERS)
    ));
}

fn fan_out(history: bool) {
    let groups = Arc::new(Groups::default());
    if history {
        let depth = Depth {
            messages_max: limits::HISTORY_MESSAGES,
            bytes_max: limits::HISTORY_BYTES,
            age_max: limits::HISTORY_AGE,
        };
        groups.rule(Rules::new(vec![(Names::parse("all"), Rule { history: Some(depth), ..Rule::default() })]));
    }
    let websockets = websockets(&groups, 10_000);
    websockets.iter().for_each(|websocket| websocket.join("all"));
    let message = Message::Binary(Bytes::from(vec![7; 128]));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let (mut published, mut spent) = (0_u64, Duration::ZERO);
    while spent < SPAN {
        let begun = Instant::now();
        for _ in 0..16 {
            let delivery = runtime.block_on(groups.publish("all", message.clone(), None)).expect("it is published");
            assert_eq!((delivery.queued, delivery.full), (10_000, 0));
        }
        spent += begun.elapsed();
        published += 16;
        websockets.iter().for_each(|websocket| while websocket.outbox.take().is_some() {});
    }
    let rate = (published * 10_000) as f64 / spent.as_secs_f64();
    let with = if history { "with a history" } else { "without a history" };
    say(&format!("| a publication queued to 10,000, {with}: deliveries/s/core | 500,000 | {rate:.0} |"));
}

fn storm() {
    let groups = Arc::new(Groups::default());
    groups.rule(Rules::new(vec![(Names::parse("all"), Rule { presence: true, ..Rule::default() })]));
    let mut websockets = websockets(&groups, 10_000);
    let watcher = websockets.remove(0);
    watcher.join("all");
    groups.tell_presence();
    let told = |what: &str, storm: &dyn Fn()| {
        while watcher.outbox.take().is_some() {}
        let begun = Instant::now();
        storm();
        let stormed = begun.elapsed();
        let begun = Instant::now();
        groups.tell_presence();
        let telling = begun.elapsed();
        let mut publications = 0;
        while watcher.outbox.take().is_some() {
            publications += 1;
        }
        let (stormed, telling) = (stormed.as_secs_f64() * 1e3, telling.as_secs_f64() * 1e3);
        say(&format!(
            "| 9,999 {what} at once: publications that a member is told | 1 | {publications} (they take {stormed:.1} ms, telling {telling:.1} ms) |"
        ));
    };
    told("come", &|| websockets.iter().for_each(|websocket| websocket.join("all")));
    told("go", &|| websockets.iter().for_each(|websocket| websocket.membership.leave_all()));
}

fn websockets(groups: &Arc<Groups>, count: usize) -> Vec<Websocket> {
    // A payload counts for each outbox that it waits in.
    let all = Arc::new(Outboxes::new(8192 * limits::MIB));
    let bounds = Arc::new(Bounds {
        bytes_max: limits::OUTBOX_BYTES_MAX,
        messages_max: limits::OUTBOX_MESSAGES_MAX as u32,
        overflow: Overflow::Wait,
        held: Held::UntilWritten,
    });
    let websocket = |_| Websocket {
        membership: Membership::new(groups.clone(), WebsocketId::mint()),
        outbox: Arc::new(Outbox::new(bounds.clone(), all.clone())),
    };
    (0..count).map(websocket).collect()
}

/// Bytes of this process in memory.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: usize = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("pages");
    pages * rustix::param::page_size()
}

fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").expect("stdout");
}
