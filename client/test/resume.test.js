import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { browser, FakeWebSocket, last } from "./world.js";

const { window, document } = browser();
const { ResumeSocket } = await import("../resume.js");

const opened = [];

beforeEach(() => {
  for (const socket of opened.splice(0)) socket.close();
  mock.restoreAll();
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
  FakeWebSocket.all.length = 0;
  sessionStorage.clear();
  document.hidden = false;
});

function open(options) {
  const socket = new ResumeSocket("ws://x/", { WebSocket: FakeWebSocket, ...options });
  const events = [];
  opened.push(socket);
  for (const type of ["message", "publication", "joined", "left", "open", "close", "status"]) {
    socket.addEventListener(type, (event) => {
      const { isTrusted, ...fields } = Object.fromEntries(Object.entries(event));
      events.push(JSON.parse(JSON.stringify({ type, ...fields, data: fields.data instanceof ArrayBuffer ? undefined : fields.data })));
      if (fields.data instanceof ArrayBuffer) events.at(-1).data = fields.data;
    });
  }
  return { socket, events, of: (type) => events.filter((event) => event.type === type) };
}

test("first connection offers the subprotocol alone and answers the welcome", () => {
  const { of } = open();
  assert.deepEqual(last().offers, ["sessile.resume.v1"]);
  last().welcome(false, 0);
  assert.deepEqual(last().sent, ['{"ack":0}']);
  assert.deepEqual(of("open"), [{ type: "open", recovered: false }]);
});

test("what is sent before there is a connection leaves after the welcome", () => {
  const { socket } = open();
  socket.send("a");
  assert.deepEqual(last().sent, []);
  last().welcome(false, 0);
  socket.send(new Uint8Array([1, 2]).subarray(1));
  assert.deepEqual(last().sent.slice(1), ["{}\na", new Uint8Array([123, 125, 10, 2])]);
  assert.equal(socket.bufferedAmount, 2);
});

test("lost connection is followed by another that says what has come and gets what is missing", () => {
  const { socket, of } = open();
  last().welcome(false, 0, "aa");
  for (const text of ["a", "b", "c"]) socket.send(text);
  last().frame({}, "x");
  last().frame({ ack: 1 });
  last().lose();
  assert.equal(socket.status, "waiting");
  mock.timers.tick(500);
  assert.deepEqual(last().offers, ["sessile.resume.v1", "sessile.token.aa.1"]);
  last().welcome(true, 2, "bb");
  assert.deepEqual(last().sent, ['{"ack":1}', "{}\nc"]);
  assert.deepEqual(of("open").at(-1), { type: "open", recovered: true });
  assert.equal(socket.bufferedAmount, 2, "what has come to the host may still be lost with it");
});

test("another websocket gets all that is not acknowledged, and counts from nothing", () => {
  const { socket, of } = open();
  last().welcome(false, 0);
  for (const text of ["a", "b", "c"]) socket.send(text);
  last().frame({}, "x");
  last().frame({ ack: 1 });
  last().lose(1012);
  mock.timers.tick(500);
  last().welcome(false, 0);
  assert.deepEqual(last().sent, ['{"ack":0}', "{}\nb", "{}\nc"]);
  assert.deepEqual(of("open").at(-1), { type: "open", recovered: false });
  last().frame({ ack: 2 });
  assert.equal(socket.bufferedAmount, 0);
});

test("frames are acknowledged after 32 of them, 32 KiB or a second", () => {
  const acknowledged = () => last().sent.filter((frame) => frame.includes("ack")).slice(1);
  open();
  last().welcome(false, 0);
  for (let n = 0; n < 33; n++) last().frame({}, "x");
  assert.deepEqual(acknowledged(), ['{"ack":32}']);
  mock.timers.tick(999);
  assert.deepEqual(acknowledged(), ['{"ack":32}']);
  mock.timers.tick(1);
  assert.deepEqual(acknowledged(), ['{"ack":32}', '{"ack":33}']);
  last().frame({}, "x".repeat(32768));
  assert.deepEqual(acknowledged().at(-1), '{"ack":34}');
});

test("publications and stands are told, and stands offered to the next connection", () => {
  const { of } = open();
  last().welcome(false, 0, "aa");
  last().frame({ joined: "é", epoch: "ff", offset: 3, recovered: false });
  last().frame({ joined: "plain", recovered: false });
  last().frame({ joined: "gone", epoch: "1", offset: 1, recovered: false });
  last().frame({ group: "é", offset: 5 }, "x\ny");
  last().frame({ group: "plain", presence: true }, "{}");
  last().frame({ left: "gone" });
  assert.deepEqual(of("publication"), [
    { type: "publication", group: "é", data: "x\ny", offset: 5 },
    { type: "publication", group: "plain", data: "{}", presence: true },
  ]);
  assert.deepEqual(of("left"), [{ type: "left", left: "gone", group: "gone" }]);
  last().lose();
  mock.timers.tick(500);
  const [, token, from] = last().offers;
  assert.equal(token, "sessile.token.aa.6", "they all count");
  const stands = Buffer.from(from.slice("sessile.from.".length), "base64url").toString();
  assert.equal(stands, '{"é":["ff",5]}');
  assert.match(from, /^[A-Za-z0-9._-]+$/);
});

test("bytes come as bytes", () => {
  const { of } = open();
  last().welcome(false, 0);
  last().onmessage({ data: new Uint8Array([123, 125, 10, 10, 255]).buffer });
  assert.deepEqual(new Uint8Array(of("message")[0].data), new Uint8Array([10, 255]));
  const head = new TextEncoder().encode('{"group":"é","offset":1}\n');
  last().onmessage({ data: new Uint8Array([...head, 254]).buffer });
  const [{ group, data }] = of("publication");
  assert.deepEqual([group, ...new Uint8Array(data)], ["é", 254]);
});

test("waits double to 30 s, are random from nothing up, and begin anew after a stable connection", () => {
  mock.method(Math, "random", () => 0.999999);
  open();
  const waited = () => {
    const before = FakeWebSocket.all.length;
    let ms = 0;
    for (; FakeWebSocket.all.length === before; ms += 100) mock.timers.tick(100);
    return ms;
  };
  const waits = [];
  for (let n = 0; n < 8; n++) {
    last().lose();
    waits.push(waited());
  }
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
  last().welcome(true, 0);
  mock.timers.tick(9999);
  last().lose();
  assert.equal(waited(), 30000, "it was not stable");
  last().welcome(true, 0);
  mock.timers.tick(10000);
  last().lose();
  assert.equal(waited(), 500);
  mock.method(Math, "random", () => 0);
  last().lose();
  assert.equal(waited(), 100, "at once");
});

test("close that somebody has decided is the end", () => {
  for (const code of [1000, 1002, 1008, 4000]) {
    const { socket, of } = open();
    last().welcome(false, 0);
    const count = FakeWebSocket.all.length;
    last().lose(code);
    mock.timers.tick(60000);
    assert.equal(FakeWebSocket.all.length, count);
    assert.deepEqual([socket.status, of("close")], ["closed", [{ type: "close", code, reason: "" }]]);
    assert.throws(() => socket.send("a"), /closed/);
  }
});

test("closed by the page it ends for good, also while it waits", () => {
  const { socket, of } = open();
  last().welcome(false, 0);
  socket.close(4001, "enough");
  assert.deepEqual(last().closed, [4001, "enough"]);
  assert.deepEqual(of("close"), [{ type: "close", code: 4001, reason: "enough" }]);
  const waiting = open();
  last().lose();
  waiting.socket.close();
  mock.timers.tick(60000);
  assert.equal(FakeWebSocket.all.length, 2);
});

test("handler that does not resume is the end", () => {
  const { socket, of } = open();
  last().protocol = "";
  last().onopen();
  assert.deepEqual([socket.status, of("close")[0].reason], ["closed", "it does not resume"]);
});

test("network that is back and page that is seen again are not waited for", () => {
  const { socket } = open();
  last().welcome(false, 0);
  window.dispatchEvent(new Event("offline"));
  assert.equal(socket.status, "waiting");
  const count = FakeWebSocket.all.length;
  window.dispatchEvent(new Event("online"));
  assert.equal(FakeWebSocket.all.length, count + 1);
  mock.timers.tick(60000);
  assert.equal(FakeWebSocket.all.length, count + 1, "once");
  last().lose();
  document.hidden = true;
  window.dispatchEvent(new Event("visibilitychange"));
  assert.equal(socket.status, "waiting");
  document.hidden = false;
  window.dispatchEvent(new Event("visibilitychange"));
  assert.equal(socket.status, "connecting");
  last().welcome(true, 0);
});

test("sends past the bound throw and the others are kept", () => {
  const { socket } = open({ bufferedMax: 4 });
  socket.send("larger than four");
  assert.throws(() => socket.send("a"), /16 of 4 bytes wait/);
  last().welcome(false, 0);
  last().frame({ ack: 1 });
  socket.send("a");
  assert.deepEqual(last().sent.slice(1), ["{}\nlarger than four", "{}\na"]);
});

test("page that is loaded again goes on where it was", () => {
  const before = open({ key: "k" });
  last().welcome(false, 0, "aa");
  before.socket.send("a");
  before.socket.send(new Uint8Array([255]));
  last().frame({ joined: "g", epoch: "1", offset: 7, recovered: false });
  const after = open({ key: "k" });
  assert.deepEqual(last().offers.slice(0, 2), ["sessile.resume.v1", "sessile.token.aa.1"]);
  assert.equal(last().offers.length, 3);
  last().welcome(true, 1);
  assert.deepEqual(last().sent, ['{"ack":1}', new Uint8Array([123, 125, 10, 255])]);
  after.socket.close();
  assert.equal(sessionStorage.size, 0);
});
