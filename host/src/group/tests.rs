use std::task::{Context, Poll, Waker};

use futures_util::FutureExt;

use super::*;
use crate::outbox::{Bounds, Held, Outbox, Outboxes, Outgoing, Overflow};

struct Peer {
    membership: Membership,
    outbox: Arc<Outbox>,
}

impl Peer {
    fn new(groups: &Arc<Groups>, messages_max: u32) -> Self {
        let bounds =
            Arc::new(Bounds { bytes_max: 10_000, messages_max, overflow: Overflow::Wait, held: Held::UntilWritten });
        let outbox = Arc::new(Outbox::new(bounds, Arc::new(Outboxes::new(10_000))));
        Self { membership: Membership::new(groups.clone(), WebsocketId::mint()), outbox }
    }

    fn join(&self, group: &str) -> Result<Joined, GroupError> {
        self.join_as(group, &How::default())
    }

    fn join_as(&self, group: &str, how: &How) -> Result<Joined, GroupError> {
        self.membership.join(group, how, &Sink::Outbox(self.outbox.clone()))
    }

    fn got(&self) -> Vec<String> {
        let taken = std::iter::from_fn(|| self.outbox.take());
        taken
            .map(|taken| match taken {
                Outgoing::Message(Message::Text(text)) => text.to_string(),
                other => panic!("{other:?}"),
            })
            .collect()
    }
}

fn text(text: &str) -> Message {
    Message::Text(text.into())
}

fn tagged(tag: &str) -> How {
    How::new(Some("1".to_owned()), vec![tag.to_owned()], None).unwrap()
}

/// To a group whose history is not durable, so at once.
fn published(groups: &Groups, name: &str, message: Message, scope: Option<Scope>) -> Result<Delivery, GroupError> {
    groups.publish(name, message, scope).now_or_never().expect("nothing is waited for")
}

fn with_history(groups: &Groups, presence: bool) {
    let depth = Depth { messages_max: 3, bytes_max: 100, age_max: limits::HISTORY_AGE };
    let rule = Rule { history: Some(depth), durable: false, presence };
    groups.rule(Rules::new(vec![(Names::parse("kept*"), rule)]));
}

#[test]
fn publish_to_full_outbox_is_counted_as_full() {
    let groups = Arc::new(Groups::default());
    let (a, b) = (Peer::new(&groups, 2), Peer::new(&groups, 1));
    a.join("g").unwrap();
    b.join("g").unwrap();
    b.join("g").unwrap();
    let delivery = |queued, full| Ok(Delivery { queued, full, ..Delivery::default() });
    assert_eq!(published(&groups, "g", text("m"), None), delivery(2, 0));
    assert_eq!(published(&groups, "g", text("m"), None), delivery(1, 1));
}

#[test]
fn dropped_membership_leaves_and_empty_groups_vanish() {
    let groups = Arc::new(Groups::default());
    let a = Peer::new(&groups, 2);
    a.join("g").unwrap();
    assert_eq!((groups.count("g"), groups.ids("g").len()), (Ok(1), 1));
    drop(a);
    assert!(lock(&groups.all).is_empty());
    assert_eq!(published(&groups, "g", text("m"), None), Ok(Delivery::default()));
}

#[test]
fn join_past_the_limits_is_refused() {
    let groups = Arc::new(Groups::default());
    let a = Peer::new(&groups, 2);
    assert_eq!(a.join(""), Err(GroupError::InvalidName(0)));
    assert_eq!(a.join(&"x".repeat(101)), Err(GroupError::InvalidName(101)));
    for i in 0..limits::GROUPS_PER_WEBSOCKET_MAX {
        a.join(&i.to_string()).unwrap();
    }
    assert_eq!(a.join("one more"), Err(GroupError::TooMany));
    a.join("0").unwrap();
    a.membership.leave("0").unwrap();
    a.join("one more").unwrap();
}

#[test]
fn publication_with_a_scope_reaches_those_that_it_is_for() {
    let groups = Arc::new(Groups::default());
    let [a, b, c] = [(); 3].map(|()| Peer::new(&groups, 9));
    a.join_as("g", &tagged("red")).unwrap();
    b.join_as("g", &tagged("blue")).unwrap();
    c.join("g").unwrap();
    let publish = |tag: Option<&str>, except| {
        let scope = Scope { tag: tag.map(Into::into), except };
        published(&groups, "g", text("m"), Some(scope)).unwrap().queued
    };
    let red = groups.members("g", Page { tag: Some("red"), after: None, limit: 9 }).unwrap();
    assert_eq!(
        [publish(Some("red"), None), publish(None, Some(red[0].id)), publish(Some("red"), Some(red[0].id))],
        [1, 2, 0]
    );
    assert_eq!([a.got().len(), b.got().len(), c.got().len()], [1, 1, 1]);
}

#[test]
fn members_are_listed_in_pages_each_once() {
    let groups = Arc::new(Groups::default());
    let peers: Vec<_> = (0..25).map(|_| Peer::new(&groups, 1)).collect();
    for peer in &peers {
        peer.join_as("g", &tagged("t")).unwrap();
    }
    let (mut after, mut all) = (None, Vec::new());
    loop {
        let page = groups.members("g", Page { tag: Some("t"), after, limit: 10 }).unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        all.extend(page);
    }
    assert!(all.len() == 25 && all.is_sorted_by(|a, b| a.id < b.id));
    assert_eq!((all[0].metadata.as_deref(), groups.count("g")), (Some("1"), Ok(25)));
}

#[test]
fn join_since_a_position_gets_what_was_missed_and_then_the_new() {
    let groups = Arc::new(Groups::default());
    with_history(&groups, false);
    let a = Peer::new(&groups, 9);
    let begin = a.join("kept").unwrap().position.unwrap();
    assert_eq!(begin.offset, 0);
    drop(a);
    for n in ["1", "2"] {
        published(&groups, "kept", text(n), None).unwrap();
    }
    let (b, c) = (Peer::new(&groups, 9), Peer::new(&groups, 9));
    let since = |position| How::new(None, Vec::new(), Some(position)).unwrap();
    // The group ended with its only member, as it kept nothing yet.
    let missed = b.join_as("kept", &since(begin)).unwrap();
    assert_eq!((missed.recovered, missed.publications), (false, 0));
    let position = Position { offset: 0, ..missed.position.unwrap() };
    let joined = c.join_as("kept", &since(position)).unwrap();
    assert_eq!((joined.recovered, joined.publications, joined.position.unwrap().offset), (true, 2, 2));
    let delivery = published(&groups, "kept", text("3"), None).unwrap();
    assert_eq!(delivery.position.unwrap().offset, 3);
    assert_eq!((b.got(), c.got()), (vec!["3".to_owned()], ["1", "2", "3"].map(str::to_owned).to_vec()));
    published(&groups, "kept", text("4"), None).unwrap();
    assert!(!Peer::new(&groups, 9).join_as("kept", &since(position)).unwrap().recovered, "three are kept");
}

#[test]
fn join_since_a_position_without_room_for_all_is_not_recovered() {
    let groups = Arc::new(Groups::default());
    with_history(&groups, false);
    let position = published(&groups, "kept", text("1"), None).unwrap().position.unwrap();
    for n in ["2", "3"] {
        published(&groups, "kept", text(n), None).unwrap();
    }
    let narrow = Peer::new(&groups, 1);
    let joined = narrow.join_as("kept", &How::new(None, Vec::new(), Some(position)).unwrap()).unwrap();
    assert_eq!((joined.recovered, joined.publications, narrow.got()), (false, 1, vec!["2".to_owned()]));
}

#[test]
fn history_is_listed_in_pages_and_bounded_for_all_groups() {
    let groups = Arc::new(Groups::default());
    assert_eq!(groups.history("g", None, 9).unwrap_err(), GroupError::NoHistory);
    with_history(&groups, false);
    for n in ["1", "2", "3"] {
        published(&groups, "kept", text(n), None).unwrap();
    }
    let first = groups.history("kept", None, 2).unwrap();
    assert_eq!((first.publications.len(), first.position.offset), (2, 3));
    let since = Position { offset: first.publications[1].offset, ..first.position };
    let second = groups.history("kept", Some(since), 2).unwrap();
    assert_eq!((second.publications.len(), second.recovered), (1, true));
    assert_eq!(groups.kept_bytes.load(std::sync::atomic::Ordering::Relaxed), 3);
    drop((first, second));
    lock(&groups.all).clear();
    assert_eq!(groups.kept_bytes.load(std::sync::atomic::Ordering::Relaxed), 0);
}

#[test]
fn presence_is_told_gathered_to_peers_and_handlers() {
    let due = Arc::new(Notify::new());
    let groups = Arc::new(Groups::new(due.clone()));
    with_history(&groups, true);
    let bounds =
        Arc::new(Bounds { bytes_max: 10_000, messages_max: 9, overflow: Overflow::Wait, held: Held::UntilWritten });
    let (peer, handler) = (Peer::new(&groups, 9), Membership::new(groups.clone(), WebsocketId::mint()));
    let publications = Arc::new(Publications::new(bounds));
    peer.join("kept").unwrap();
    handler.join("kept", &tagged("t"), &Sink::Handler(publications.clone())).unwrap();
    assert_eq!(lock(&groups.changed).len(), 1);
    groups.tell_presence();
    groups.tell_presence();
    let mut cx = Context::from_waker(Waker::noop());
    let Poll::Ready(told) = publications.poll_take(9, &mut cx) else { panic!("it was told") };
    let [Publication { content: Content::Presence(presence), position: None, .. }] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert_eq!((presence.joined.len(), presence.total, peer.got()), (2, 2, vec![presence.text.to_string()]));
    drop(handler);
    groups.tell_presence();
    assert!(peer.got()[0].contains("\"left\":[\""), "the one that was dropped is told of");
}

#[test]
fn sweep_forgets_groups_that_keep_nothing_any_more() {
    let groups = Arc::new(Groups::default());
    let depth = Depth { messages_max: 3, bytes_max: 100, age_max: std::time::Duration::ZERO };
    groups.rule(Rules::new(vec![(Names::parse("*"), Rule { history: Some(depth), ..Rule::default() })]));
    let peer = Peer::new(&groups, 9);
    peer.join("b").unwrap();
    for name in ["a", "b"] {
        published(&groups, name, text("m"), None).unwrap();
    }
    groups.sweep();
    assert_eq!(lock(&groups.all).keys().map(|name| name.to_string()).collect::<Vec<_>>(), ["b"]);
}
