// Groups, who is connected, and alarms: what the SDK asks of the host, and what it makes of the answers.

import { answer, asked, refuse, reset } from "./host.js";

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

const { exported } = await import("../src/handlers.js");
const { alarms, connections, groups, HostError, Position, WebSocket } = await import("../src/index.js");

const ID = 0xfedcba9876543210n;
const bytes = (text) => new TextEncoder().encode(text);

beforeEach(reset);

test("publication_to_some_tells_what_became_of_it", async () => {
  answer("groups.publishTo", { queued: 2, full: 1, gone: 0, position: { epoch: 1n << 63n, offset: 4n } });
  const { position, ...counts } = await groups.publish("g", "m", { tag: "de", except: new WebSocket(ID) });
  assert.deepEqual(counts, { queued: 2, full: 1, gone: 0 });
  assert.equal(JSON.stringify({ position }), '{"position":"9223372036854775808:4"}');
  await groups.publish("g", "m", { except: 7n });
  const text = { tag: "text", val: "m" };
  assert.deepEqual(asked, [["groups.publishTo", "g", text, { tag: "de", except: ID }], ["groups.publishTo", "g", text, { tag: null, except: 7n }]]);
});

test("join_says_what_a_member_is_and_what_it_has_seen", async () => {
  const ws = new WebSocket(ID);
  assert.equal(await ws.join("g"), null);
  const at = new Position(1n << 63n, 2n);
  answer("groups.joinAs", { position: { epoch: 1n, offset: 3n }, recovered: true, publications: 1 });
  const joined = await ws.join("g", { metadata: { é: 1 }, tags: new Set(["a"]), since: at });
  assert.deepEqual(joined, { position: new Position(1n, 3n), recovered: true, publications: 1 });
  answer("groups.joinAs", { position: null, recovered: false, publications: 0 });
  assert.equal((await ws.join("g", { since: `${at}` })).position, null);
  await ws.join("g", {});
  const since = { epoch: 1n << 63n, offset: 2n };
  assert.deepEqual(asked, [
    ["groups.join", ID, "g"], ["groups.joinAs", ID, "g", { metadata: '{"é":1}', tags: ["a"], since }],
    ["groups.joinAs", ID, "g", { metadata: null, tags: [], since }], ["groups.joinAs", ID, "g", { metadata: null, tags: [], since: null }],
  ]);
  answer("groups.joinAs", refuse("invalid-tag", { actual: 65n, limit: 64n }));
  await assert.rejects(ws.join("g", { tags: ["x".repeat(65)] }), { code: "invalid-tag", actual: 65, limit: 64 });
});

test("members_are_asked_for_by_the_page_as_they_are_taken", async () => {
  const members = Array.from({ length: 251 }, (_, id) => ({ id: BigInt(id), metadata: id === 0 ? '{"a":1}' : null, tags: ["t"] }));
  answer("groups.members", (_, __, after, limit) => members.filter(({ id }) => after === null || id > after).slice(0, limit));
  const seen = [];
  for await (const member of groups.members("g", { tag: "t" })) {
    if (seen.push(member) === 1) assert.equal(asked.length, 1);
  }
  assert.deepEqual([seen.length, seen[0], seen[250]], [251, { id: 0n, metadata: { a: 1 }, tags: ["t"] }, { id: 250n, metadata: undefined, tags: ["t"] }]);
  assert.deepEqual(asked, [["groups.members", "g", "t", null, 250], ["groups.members", "g", "t", 249n, 250]]);
  answer("groups.count", 5n);
  assert.equal(await groups.count("g"), 5);
});

test("history_is_what_was_published_and_when", async () => {
  const kept = { offset: 3n, at: 1_500_000_000n, message: { tag: "text", val: "m" } };
  answer("groups.history", { publications: [kept], position: { epoch: 1n, offset: 3n }, recovered: true });
  const page = await groups.history("g", { since: "1:2", limit: 5 });
  assert.deepEqual(page, { publications: [{ offset: 3, at: new Date(1500), message: "m" }], position: new Position(1n, 3n), recovered: true });
  await groups.history("g");
  assert.deepEqual(asked, [["groups.history", "g", { epoch: 1n, offset: 2n }, 5], ["groups.history", "g", null, 100]]);
  answer("groups.history", refuse("unsupported"));
  await assert.rejects(groups.history("g"), { code: "unsupported" });
});

test("publications_come_one_by_one_and_presence_with_what_is_known_of_each", async () => {
  const got = [];
  const { publicationHandler: handler } = exported({ message() {}, publication: (ws, told) => void got.push([ws.id, told]) });
  const member = { id: 7n, metadata: "[1]", tags: [] };
  await handler.onPublications(ID, [
    { group: "g", position: { epoch: 1n, offset: 2n }, content: { tag: "message", val: { tag: "binary", val: bytes("b") } } },
    { group: "h", position: null, content: { tag: "presence", val: { joined: [member], left: [8n], total: 1n, complete: true } } },
  ]);
  assert.deepEqual(got, [
    [ID, { group: "g", position: new Position(1n, 2n), message: bytes("b") }],
    [ID, { group: "h", position: null, presence: { joined: [{ id: 7n, metadata: [1], tags: [] }], left: [8n], total: 1, complete: true } }],
  ]);
});

test("who_is_connected_is_asked_for_by_the_page_and_told_in_the_words_of_the_web", async () => {
  const all = Array.from({ length: 1001 }, (_, id) => ({
    id: BigInt(id), handler: "h", route: "/{a}", path: "/b", state: "open", startedAt: 1_500_000_000n, activity: "awake", why: "w", buffered: 2n, subprotocol: null,
  }));
  answer("connections.list", (_, after, limit) => all.filter(({ id }) => after === null || id > after).slice(0, limit));
  const seen = [];
  for await (const found of connections.list({ route: "/{a}", session: new WebSocket(ID).session })) seen.push(found);
  const told = { id: 1000n, handler: "h", route: "/{a}", path: "/b", state: "open", startedAt: new Date(1500), awake: true, why: "w", buffered: 2, protocol: null };
  assert.deepEqual([seen.length, seen[1000]], [1001, told]);
  const selection = { route: "/{a}", handler: null, group: null, sessionOf: ID };
  assert.deepEqual(asked, [["connections.list", selection, null, 1000], ["connections.list", selection, 999n, 1000]]);
  assert.equal(await connections.lookup(ID), undefined);
  answer("connections.lookup", { ...all[0], activity: "hibernating", subprotocol: "b" });
  const { awake, protocol } = await connections.lookup(ID);
  assert.deepEqual([awake, protocol], [false, "b"]);
});

test("one_or_all_are_sent_to_and_one_is_pinged_and_closed", async () => {
  answer("connections.sendTo", { tag: "queued", val: 7n });
  assert.deepEqual(await connections.sendTo(ID, "m"), { state: "queued", bytes: 7 });
  const delivery = { queued: 1, full: 2, gone: 3, tooLarge: 4 };
  answer("connections.sendToAll", delivery);
  assert.deepEqual(await connections.sendToAll({ group: "g" }, "m"), delivery);
  answer("connections.ping", 1_500_000n);
  assert.equal(await connections.ping(ID), 1.5);
  answer("connections.count", 3n);
  assert.equal(await connections.count(), 3);
  answer("connections.close", refuse("unknown", ID));
  await assert.rejects(connections.close(ID, 4000, "r"), { code: "unknown", id: ID });
  const none = { route: null, handler: null, group: null, sessionOf: null };
  const text = { tag: "text", val: "m" };
  assert.deepEqual(asked, [
    ["connections.sendTo", ID, text], ["connections.sendToAll", { ...none, group: "g" }, text], ["connections.ping", ID], ["connections.count", none],
    ["connections.close", ID, 4000, "r"],
  ]);
});

test("alarm_is_set_for_a_time_or_after_a_while_of_the_app_or_of_a_session", async () => {
  const before = BigInt(Date.now()) * 1_000_000n;
  await alarms.set("a", { in: 1500, payload: "é" });
  const [[, ...set]] = asked;
  assert.deepEqual([set[0], set[1], set[3]], [{ tag: "app" }, "a", bytes("é")]);
  assert.ok(set[2] >= before + 1_500_000_000n && set[2] < before + 60_000_000_000n, `${set[2]}`);
  await alarms.set("b", { at: new Date(2000), session: new WebSocket(ID).session });
  answer("alarms.cancel", true);
  assert.equal(await alarms.cancel("b", { session: new WebSocket(ID).session }), true);
  const session = { tag: "session", val: ID };
  assert.deepEqual(asked.slice(1), [["alarms.set", session, "b", 2_000_000_000n, bytes("")], ["alarms.cancel", session, "b"]]);
  answer("alarms.set", refuse("no-handler"));
  await assert.rejects(alarms.set("c", { in: 0 }), { code: "no-handler" });
});

test("alarms_are_listed_by_the_page", async () => {
  const all = Array.from({ length: 101 }, (_, n) => ({ name: String(n).padStart(3, "0"), due: 1_500_000_000n, payload: bytes("[1]"), attempt: 2 }));
  answer("alarms.list", (_, after, limit) => all.filter(({ name }) => after === null || name > after).slice(0, limit));
  const seen = [];
  for await (const alarm of alarms.list()) seen.push(alarm);
  const { name, due, attempt, session } = seen[100];
  assert.deepEqual([seen.length, name, due, attempt, session, seen[0].json()], [101, "100", new Date(1500), 2, null, [1]]);
  assert.deepEqual(asked, [["alarms.list", { tag: "app" }, null, 100], ["alarms.list", { tag: "app" }, "099", 100]]);
});

test("alarm_that_rings_has_its_session_and_fails_for_any_error", async () => {
  const rung = [];
  const { alarmHandler: handler } = exported({
    async alarm(alarm) {
      await alarm.session.open();
      rung.push(`${alarm.name} ${alarm.attempt} ${alarm.text()}`);
      if (alarm.attempt === 1) throw new HostError("disconnected", "of another");
    },
  });
  const alarm = { name: "a", due: 0n, payload: bytes("é"), attempt: 1 };
  await assert.rejects(async () => handler.onAlarm(ID, alarm), { message: "alarm: HostError: of another" });
  await handler.onAlarm(ID, { ...alarm, attempt: 2 });
  assert.deepEqual([rung, asked.filter(([name]) => name === "session.open")], [["a 1 é", "a 2 é"], [["session.open", ID], ["session.open", ID]]]);
});
