// What the SDK asks of the host, and what it makes of the answers.

import { answer, asked, refuse, reset } from "./host.js";

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

const { exported, handled } = await import("../src/handlers.js");
const { Request, Response, answer: respond, eventText } = await import("../src/http.js");
const { alarms, connections, groups, HostError, poll, Position, raw, WebSocket } = await import("../src/index.js");
const { console } = await import("../src/web/console.js");
const timers = await import("../src/web/timers.js");

const ID = 0xfedcba9876543210n;
const bytes = (text) => new TextEncoder().encode(text);

beforeEach(reset);

test("message_is_sent_as_what_it_is_to_the_whole_id", async () => {
  const ws = new WebSocket(ID);
  const view = new Uint16Array([1, 2]);
  for (const message of ["a\ud800", bytes("b"), bytes("c").buffer, view]) await ws.send(message);
  await ws.sendJson({ a: [1] });
  await ws.sendJson([1], { binary: true });
  const sent = [
    ["text", "a\ufffd"], ["binary", bytes("b")], ["binary", bytes("c")], ["binary", new Uint8Array([1, 0, 2, 0])],
    ["text", '{"a":[1]}'], ["binary", bytes("[1]")],
  ];
  assert.deepEqual(asked, sent.map(([tag, val]) => ["websocket.send", ID, { tag, val }]));
});

test("value_of_a_wrong_type_is_refused_before_the_host_is_asked", async () => {
  const ws = new WebSocket(ID);
  const request = new Request(ID);
  for (const call of [
    () => ws.send(4), () => ws.send(null), () => ws.send({}), () => ws.sendJson(undefined), () => ws.trySend(1n), () => ws.accept({ protocol: 1 }),
    () => ws.accept({ headers: "a: b" }), () => ws.reject(-1), () => ws.reject(403, { body: 5 }), () => ws.receive({ timeout: "1" }),
    () => ws.receive({ timeout: NaN }), () => ws.close("1000"), () => ws.close(1000, 5), () => ws.close(70000), () => ws.join(5),
    () => ws.leave(undefined), () => (ws.attachment = "text"), () => ws.header(5), () => ws.session.get(5), () => ws.session.set("k", () => 1),
    () => ws.session.save({ ifVersion: 1 }), () => ws.session.setExpiry(-1), () => groups.publish("g", 5), () => groups.publish(5, "m"),
    () => request.start("200"), () => request.sendRaw(5), () => raw.send(ws, { type: "none" }), () => new Response("", { status: 1.5 }),
    () => new WebSocket(5), () => ws.ping.call({}), () => ws.send.call({ id: ID }, "x"), () => request.read.call(ws.session), () => raw.states({}),
    () => raw.receive(5), () => timers.sleep("1"), () => timers.setTimeout("code"), () => ws.join("g", { tags: [1] }),
    () => ws.join("g", { metadata: () => 1 }), () => ws.join("g", { since: "1" }), () => ws.join("g", { since: { epoch: 1, offset: 1 } }),
    () => groups.publish("g", "m", { tag: 1 }), () => groups.publish("g", "m", { except: 7 }), () => groups.count(),
    () => groups.members("g", { tag: 1 }).next(), () => groups.history("g", { limit: -1 }), () => new Position(1, 2),
    () => connections.count({ route: 1 }), () => connections.list({ session: ID }).next(), () => connections.lookup("7"), () => connections.sendTo(ID, {}),
    () => connections.sendToAll({ group: 1 }, "m"), () => connections.ping(7), () => connections.close(ID, 1000, 5),
    () => alarms.set("a", {}), () => alarms.set("a", { in: 1, at: new Date() }), () => alarms.set("a", { in: "1" }), () => alarms.set("a", { at: 5 }),
    () => alarms.set("a", { at: new Date(NaN) }), () => alarms.set("a", { in: 1, payload: {} }), () => alarms.set(1, { in: 1 }),
    () => alarms.set("a", { in: 1, session: ID }), () => alarms.cancel(1), () => alarms.list({ session: {} }).next(),
  ]) {
    await assert.rejects(async () => call(), TypeError, String(call));
  }
  assert.deepEqual(asked, []);
});

test("refusal_is_an_error_with_the_values_of_the_wit", async () => {
  const ws = new WebSocket(ID);
  const close = { code: 1001, reason: "r" };
  for (const [tag, val, values] of [
    ["disconnected", close, { close }],
    ["wrong-state", { call: "accept", state: "open" }, { call: "accept", state: "open", message: "accept is illegal while the websocket is open" }],
    ["too-large", { actual: 5n, limit: 4n }, { actual: 5, limit: 4, message: "5 exceeds the limit of 4" }],
    ["bad-json", { line: 2, column: 3, reason: "why" }, { line: 2, column: 3, message: "bad JSON at line 2 column 3: why" }],
    ["invalid-code", 1005, { message: "this close code may not be sent: 1005" }],
    ["invalid-head", "bad name", { message: "bad name" }],
    ["retire", undefined, {}],
    ["wrong-kind", "text", { kind: "text" }],
  ]) {
    answer("websocket.accept", refuse(tag, val));
    await assert.rejects(ws.accept(), (error) => {
      assert.ok(error instanceof HostError && error.stack.includes("sdk.test.js"), error.stack);
      for (const [name, value] of Object.entries({ code: tag, ...values })) assert.deepEqual(error[name], value, `${tag}: ${name}`);
      return true;
    });
  }
  answer("session.save", refuse("conflict", 7n));
  await assert.rejects(ws.session.save({ ifVersion: 6n }), { code: "conflict", version: 7n });
});

test("publish_tells_whom_it_reached", async () => {
  answer("groups.publish", { queued: 2, dropped: 1 });
  assert.deepEqual(await groups.publish("g", "m"), { queued: 2, dropped: 1 });
  answer("groups.publish", refuse("invalid-name", { actual: 0n, limit: 100n }));
  await assert.rejects(groups.publish("", "m"), { code: "invalid-name" });
});

test("iteration_ends_with_the_close_and_lets_other_errors_through", async () => {
  const ws = new WebSocket(ID);
  const left = [{ tag: "text", val: "a" }, { tag: "binary", val: bytes("b") }];
  answer("websocket.receive", () => left.shift() ?? refuse("disconnected", { code: 4000, reason: "so" })());
  const got = [];
  assert.equal(ws.closed, null);
  for await (const message of ws) got.push(message);
  assert.deepEqual([got, ws.closed], [["a", bytes("b")], { code: 4000, reason: "so" }]);
  answer("websocket.receive", refuse("retire"));
  await assert.rejects(async () => {
    for await (const message of ws) assert.fail(message);
  }, { code: "retire" });
});

test("received_message_is_of_the_kind_that_was_asked_for", async () => {
  const ws = new WebSocket(ID);
  answer("websocket.receive", { tag: "text", val: "a" });
  assert.equal(await ws.receiveText({ timeout: 1.5 }), "a");
  assert.deepEqual(asked, [["websocket.receive", ID, 1_500_000n]]);
  await assert.rejects(ws.receiveBytes(), { code: "wrong-kind", kind: "text" });
  answer("websocket.receiveJson", '{"a":1}');
  assert.deepEqual(await ws.receiveJson({ binary: true }), { a: 1 });
  assert.deepEqual(asked.at(-1), ["websocket.receiveJson", ID, "binary", null]);
});

test("head_is_read_as_it_was_asked", () => {
  for (const [name, value] of Object.entries({
    method: "GET", scheme: "ws", authority: "example.org:8000", path: "/a%20b", query: "x=1&x=2", params: [["room", "a b"]],
    headers: [["x-a", "1"], ["x-a", "2"]], version: "1.1", peerAddress: "127.0.0.1:5", localAddress: "127.0.0.1:8000", startedAt: 1_500_000_000n,
  })) {
    answer(`types.${name}`, value);
  }
  answer("types.header", (_, name) => (name === "cookie" ? ['a=1; b="2%20"', "a=3; junk"] : []));
  const ws = new WebSocket(ID);
  assert.deepEqual([ws.path, ws["path"], ws.scheme, ws.search, ws.query.getAll("x"), ws.params.room], ["/a%20b", "/a%20b", "ws", "x=1&x=2", ["1", "2"], "a b"]);
  assert.deepEqual([ws.url.href, ws.host, ws.secure, ws.local], ["ws://example.org:8000/a%20b?x=1&x=2", "example.org", false, true]);
  assert.deepEqual([ws.headers.getAll("X-A"), ws.header("x-b"), ws.origin, ws.startedAt.getTime()], [["1", "2"], null, null, 1500]);
  assert.deepEqual([ws.cookies.get("a"), ws.cookies.getAll("a"), ws.cookies.get("b"), ws.cookies.get("c")], ["3", ["1", "3"], "2%20", null]);
  answer("types.authority", "bad host");
  assert.equal(new WebSocket(ID).url.href, "ws://127.0.0.1:8000/a%20b?x=1&x=2");
});

test("session_keeps_values_as_json", async () => {
  const { session } = new WebSocket(ID);
  assert.equal(await session.open(), session);
  session.set("name", { é: [1] });
  assert.deepEqual(asked.at(-1), ["session.set", ID, "name", bytes('{"é":[1]}')]);
  answer("session.get", (_, key) => (key === "name" ? bytes('"Ada €"') : null));
  assert.deepEqual([session.get("name"), session.has("name"), session.get("none"), session.has("none")], ["Ada €", true, undefined, false]);
  answer("session.get", bytes("{"));
  assert.throws(() => session.get("name"), { code: "bad-json" });
  answer("session.keys", []);
  assert.equal(session.empty, true);
  session.setExpiry(null);
  session.setExpiry(1000);
  assert.deepEqual(asked.slice(-2), [["session.setExpiry", ID, null], ["session.setExpiry", ID, 1_000_000_000n]]);
});

test("response_is_sent_whole_or_as_it_comes", async () => {
  const sent = async (response) => {
    reset();
    await respond(ID, response);
    return asked;
  };
  const type = (value) => [["content-type", value]];
  assert.deepEqual(await sent(new Response("é", { status: 201, headers: { "X-A": "1" } })), [
    ["http.send", ID, { status: 201, headers: [["x-a", "1"], ["content-type", "text/plain; charset=utf-8"]] }, bytes("é")],
  ]);
  assert.deepEqual(await sent(Response.json({ a: 1 })), [["http.send", ID, { status: 200, headers: type("application/json") }, bytes('{"a":1}')]]);
  assert.deepEqual(await sent(Response.html("<p>")), [["http.send", ID, { status: 200, headers: type("text/html; charset=utf-8") }, bytes("<p>")]]);
  assert.deepEqual(await sent(Response.redirect("/x")), [["http.send", ID, { status: 302, headers: [["location", "/x"]] }, bytes("")]]);
  assert.deepEqual(await sent(new Response(null, { status: 204 })), [["http.send", ID, { status: 204, headers: [] }, bytes("")]]);
  assert.deepEqual(await sent(new Response(["a", bytes("b")])), [
    ["http.sendStart", ID, { status: 200, headers: [] }], ["http.sendChunk", ID, bytes("a")], ["http.sendChunk", ID, bytes("b")], ["http.sendFinished", ID],
  ]);
  const [start, one] = await sent(Response.events(["x"]));
  assert.deepEqual([start[2].headers, one[2]], [[["content-type", "text/event-stream"], ["cache-control", "no-store"]], bytes("data: x\n\n")]);
  assert.deepEqual(await sent(undefined), []);
  await assert.rejects(respond(ID, "text"), /wanted is a Response/);
  await assert.rejects(respond(ID, new Response({ a: 1 })), /the body of a Response is/);
});

test("event_cannot_smuggle_a_field", () => {
  assert.equal(
    eventText({ data: "a\r\nid: 9\rb", event: "x\nretry: 1", id: "1\r2", retry: 2000 }),
    "event: xretry: 1\nid: 12\nretry: 2000\ndata: a\ndata: id: 9\ndata: b\n\n",
  );
  assert.equal(eventText({ data: { a: 1 } }), 'data: {"a":1}\n\n');
});

test("body_is_read_to_its_limit", async () => {
  const parts = (...texts) => answer("http.read", () => (texts.length > 0 ? bytes(texts.shift()) : null));
  const request = new Request(ID);
  parts("a=1&", "b=2");
  assert.equal((await request.form()).get("b"), "2");
  parts('{"a":', "1}");
  assert.deepEqual(await request.json(), { a: 1 });
  parts("{");
  await assert.rejects(request.json(), { code: "bad-json" });
  parts("12345", "67890", "1");
  await assert.rejects(request.bytes({ limit: 10 }), { code: "too-large", actual: 11, limit: 10 });
  parts("x".repeat(1 << 20), "y");
  await assert.rejects(request.text(), { code: "too-large" });
});

test("raw_events_are_those_of_the_wit", async () => {
  const ws = new WebSocket(ID);
  await raw.send(ws, { type: "accept", headers: { a: "b" } });
  await raw.send(ws, { type: "response-body", body: "x", more: true });
  await raw.send(ws, { type: "close" });
  assert.deepEqual(asked.map(([, , event]) => event), [
    { tag: "accept", val: { subprotocol: null, headers: [["a", "b"]] } }, { tag: "response-body", val: { body: bytes("x"), more: true } },
    { tag: "close", val: { code: 1000, reason: "" } },
  ]);
  for (const [came, event] of [
    [{ tag: "connect" }, { type: "connect" }], [{ tag: "message", val: { tag: "text", val: "m" } }, { type: "message", data: "m" }],
    [{ tag: "disconnect", val: { code: 1, reason: "" } }, { type: "disconnect", code: 1, reason: "" }],
  ]) {
    answer("raw.receive", came);
    assert.deepEqual(await raw.receive(ws), event);
  }
});

test("handlers_are_found_and_mistakes_are_told", () => {
  const none = () => {};
  class Room {
    open() {}
    message() {}
  }
  assert.deepEqual(handled(new Room()), ["websocket-events"]);
  assert.deepEqual(handled({ alarm: none }), ["alarm-handler"]);
  assert.deepEqual(handled({ message: none, publication: none }), ["websocket-events", "publication-handler"]);
  assert.deepEqual(handled({ fetch: none, loop: none, messages: none, upgrade: none }).toSorted(), ["http-handler", "websocket-events", "websocket-handler", "websocket-upgrade"]);
  for (const [script, said] of [[undefined, /exports no handlers/], [{}, /none of the handlers/], [{ open: none, fetch: none }, /'open', but no 'message'/], [{ loop: none, publication: none }, /'publication', but no 'message'/], [{ loop: 1 }, /'loop' is no function/]]) {
    assert.throws(() => handled(script), said);
  }
});

test("exception_of_a_handler_is_logged_a_line_each_and_becomes_a_failure", async () => {
  const { websocketEvents: events } = exported({
    message() {
      throw new TypeError("two\nlines");
    },
    close() {
      throw null;
    },
  });
  await assert.rejects(async () => events.onMessages(ID, [{ tag: "text", val: "" }]), { message: "message: TypeError: two\nlines" });
  const lines = asked.filter(([name]) => name === "log.write").map(([, level, line]) => `${level} ${line}`);
  assert.deepEqual(lines.slice(0, 2), ["error TypeError: two", "error lines"]);
  assert.ok(lines.length > 2 && lines.slice(2).every((line) => line.startsWith("error     at ")), lines.join("|"));
  await assert.rejects(async () => events.onClose(ID, { code: 1000, reason: "" }), { message: "close: null" });
  const hostile = Object.defineProperty(new Error(), "message", { get: () => events.none.none });
  const { httpHandler } = exported({ fetch: () => Promise.reject(hostile) });
  await assert.rejects(async () => httpHandler.handle(ID), { message: "fetch: an error that cannot be shown" });
  await events.onOpen(ID);
});

test("peer_that_has_left_is_no_failure_but_of_close_and_retire_hands_over", async () => {
  answer("websocket.send", refuse("disconnected", { code: 1001, reason: "" }));
  const send = (ws) => ws.send("x");
  const { websocketEvents: events, websocketHandler: loop } = exported({ open: send, message: send, close: send, loop: send });
  await events.onOpen(ID);
  await events.onMessages(ID, [{ tag: "text", val: "" }]);
  await assert.rejects(async () => events.onClose(ID, { code: 1000, reason: "" }), { message: /^close: HostError/ });
  assert.deepEqual(await loop.handle(ID), { tag: "done" });
  answer("websocket.send", refuse("retire"));
  assert.deepEqual(await loop.handle(ID), { tag: "handoff" });
  answer("websocket.send", null);
  assert.deepEqual(await loop.handle(ID), { tag: "done" });
});

test("peer_that_leaves_an_exchange_is_no_failure_and_ends_what_is_streamed", async () => {
  const ended = [];
  async function* later() {
    try {
      for (;;) yield "part";
    } finally {
      await null;
      ended.push("later");
    }
  }
  function* now() {
    try {
      for (;;) yield "part";
    } finally {
      ended.push("now");
    }
  }
  answer("http.sendChunk", refuse("peer-gone"));
  for (const response of [new Response(later()), new Response(now()), Response.events(later()), Response.events(now())]) {
    await exported({ fetch: () => response }).httpHandler.handle(ID);
  }
  await exported({ fetch: async (request) => (await request.start()).write("part") }).httpHandler.handle(ID);
  assert.deepEqual(ended, ["later", "now", "later", "now"]);
  assert.deepEqual(asked.map(([name]) => name), Array(5).fill(["http.sendStart", "http.sendChunk"]).flat());
  answer("http.sendChunk", refuse("timed-out"));
  await assert.rejects(async () => exported({ fetch: () => new Response(later()) }).httpHandler.handle(ID), { message: /^fetch: HostError: timed out/ });
});

test("messages_come_one_by_one_or_all_at_once", async () => {
  const list = [{ tag: "text", val: "a" }, { tag: "binary", val: bytes("b") }];
  const got = [];
  await exported({ message: (_, message) => got.push(message) }).websocketEvents.onMessages(ID, list);
  await exported({ messages: (_, messages) => got.push(messages) }).websocketEvents.onMessages(ID, list);
  assert.deepEqual(got, ["a", bytes("b"), ["a", bytes("b")]]);
});

test("timers_ring_by_the_hosts_clock_and_end_with_the_call", async () => {
  const sleeping = [];
  answer("time.sleep", (span) => {
    let wake;
    const promise = new Promise((resolve, reject) => (wake = { span, resolve, reject }));
    promise.cancel = () => wake.reject(new Error("async import cancelled"));
    sleeping.push(wake);
    return promise;
  });
  const rung = [];
  timers.setTimeout((name) => rung.push(name), 5, "once");
  const id = timers.setInterval(() => rung.push("again"), 7);
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(sleeping.map(({ span }) => span), [5_000_000n, 7_000_000n]);
  sleeping[0].resolve();
  sleeping[1].resolve();
  await turn();
  assert.deepEqual([rung, sleeping.length], [["once", "again"], 3]);
  timers.clearTimeout(id);
  sleeping[2].resolve();
  await turn();
  const failures = [];
  timers.onFailure((error) => failures.push(error));
  timers.setTimeout(() => assert.fail("told to"), 0);
  timers.setTimeout(() => rung.push("never"), 0);
  sleeping[3].resolve();
  await turn();
  timers.end();
  sleeping[4].resolve();
  await turn();
  assert.deepEqual([rung.length, failures.map(({ message }) => message)], [2, ["told to"]]);
});

test("randomness_is_fresh_once_an_instance_serves_and_no_secret_is_frozen", async () => {
  const { begin, crypto, mathRandom } = await import("../src/web/random.js?fresh");
  let seeds = 0;
  answer("random.getRandomU64", () => (BigInt(++seeds) << 33n) | 5n);
  answer("random.getRandomBytes", (length) => new Uint8Array(Number(length)).fill(0xff));
  const built = mathRandom();
  assert.throws(() => crypto.randomUUID(), /at build time/);
  begin();
  const served = Array.from({ length: 1000 }, mathRandom);
  begin();
  served.push(mathRandom());
  assert.equal(seeds, 2);
  assert.ok(served.every((value) => value >= 0 && value < 1) && new Set([built, ...served]).size === 1002);
  const mean = served.reduce((sum, value) => sum + value) / 1001;
  assert.ok(mean > 0.45 && mean < 0.55, `${mean}`);
  assert.equal(crypto.randomUUID(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
  assert.throws(() => crypto.getRandomValues(new Uint8Array(65537)), { name: "QuotaExceededError" });
  assert.throws(() => crypto.getRandomValues(new Float64Array(1)), { name: "TypeMismatchError" });
});

test("console_writes_a_line_each", () => {
  console.log("a %s of %d%%", "b", 5, { c: 1 });
  console.warn("two\nlines");
  console.assert(true, "not");
  console.assert(false, "so");
  assert.deepEqual(asked, [
    ["log.write", "info", "a b of 5% { c: 1 }"], ["log.write", "warn", "two"], ["log.write", "warn", "lines"], ["log.write", "error", "assertion failed: so"],
  ]);
});

test("poll_looks_until_there_is_something_or_the_time_is_over", async () => {
  let looks = 0;
  assert.equal(await poll(() => (++looks === 3 ? "found" : undefined), { every: 0, limit: 10_000 }), "found");
  assert.equal(await poll(() => null, { every: 0, limit: 0 }), undefined);
  assert.equal(asked.filter(([name]) => name === "time.sleep").length, 2);
});
