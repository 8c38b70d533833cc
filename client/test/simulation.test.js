// The client and a host as docs/resume.md has it, over connections that are lost at any point: thousands of runs, the same each time.
import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { browser, FakeWebSocket, last } from "./world.js";

browser();
const { ResumeSocket } = await import("../resume.js");

const SEEDS = 2000;

function random(seed) {
  let state = seed + 1;
  return (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

/** One websocket of the host; what its guest has had in `got`. */
class Hosted {
  static made = 0;
  id = ++Hosted.made;
  held = [];
  sent = 0;
  said = 0;
  received = 0;
  got = [];

  say() {
    this.held.push(`${this.id}:${++this.said}`);
  }
}

class Host {
  hosted = null;
  all = [];
  /** Frames under way, and how many of the client's have been read. */
  down = [];
  read = 0;
  written = 0;

  accept(socket) {
    const back = socket.offers.find((offer) => offer.startsWith("sessile.token."))?.split(".");
    const resumed = this.hosted !== null && back?.[2] === `h${this.hosted.id}`;
    if (resumed) {
      const missing = this.hosted.sent - Number(back[3]);
      assert.ok(missing >= 0 && missing <= this.hosted.held.length, "it lacks what is held");
      this.hosted.held = this.hosted.held.slice(this.written - missing);
      this.hosted.sent -= missing;
    } else {
      this.all.push((this.hosted = new Hosted()));
    }
    [this.down, this.read, this.written] = [[], 0, 0];
    const { id, received } = this.hosted;
    this.down.push(() => socket.welcome(resumed, received, `h${id}`));
  }

  write(socket) {
    const payload = this.hosted.held[this.written];
    if (payload === undefined) return;
    this.written++;
    this.hosted.sent++;
    this.down.push(() => socket.frame({}, payload));
  }

  take(socket) {
    const frame = socket.sent[this.read];
    if (frame === undefined) return;
    this.read++;
    const [head, payload] = frame.split("\n");
    const { ack } = JSON.parse(head);
    if (ack === undefined) {
      this.hosted.received++;
      this.hosted.got.push(Number(payload));
    } else {
      const left = this.hosted.sent - ack;
      this.hosted.held.splice(0, this.written - left);
      this.written = Math.min(this.written, left);
    }
  }
}

function run(seed) {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
  FakeWebSocket.all.length = 0;
  Hosted.made = 0;
  const pick = random(seed);
  const host = new Host();
  const client = new ResumeSocket("ws://x/", { WebSocket: FakeWebSocket });
  const seen = [];
  let [sent, fresh, resumed, accepted] = [0, 0, 0, null];
  client.addEventListener("open", ({ recovered }) => {
    if (recovered) return resumed++;
    fresh++;
    seen.length = 0;
  });
  client.addEventListener("message", ({ data }) => {
    const [id, number] = data.split(":").map(Number);
    const [before, latest] = seen.at(-1) ?? [id, 0];
    assert.deepEqual([id, number], [before, latest + 1], `seed ${seed}`);
    seen.push([id, number]);
  });
  const step = (calm) => {
    if (last().ended) return mock.timers.tick(1000);
    if (accepted !== last()) host.accept((accepted = last()));
    const what = calm ? [0, 0, 1, 3, 6][pick(5)] : pick(9);
    if (what === 0) host.down.shift()?.();
    else if (what === 1) host.write(last());
    else if (what === 2) host.hosted.say();
    else if (what === 3) host.take(last());
    else if (what === 4) client.send(String(++sent));
    else if (what === 5 && host.hosted.got.length) last().frame({ ack: Math.max(0, host.hosted.got.length - pick(3)) });
    else if (what === 6) mock.timers.tick(200);
    else if (what === 7 && pick(4) === 0) {
      // What is under way arrives, or not.
      for (let count = pick(4); count > 0; count--) host.take(last());
      if (pick(6) === 0) host.hosted = null;
      last().lose();
    }
  };
  for (let n = 0; n < 200; n++) step(false);
  for (let n = 0; n < 3000; n++) step(true);
  const got = new Set(host.all.flatMap(({ got }) => got));
  for (const { got } of host.all) assert.ok(got.every((number, at) => at === 0 || number === got[at - 1] + 1), `seed ${seed}: ${got}`);
  assert.equal(got.size, sent, `seed ${seed}: none is lost`);
  assert.equal(seen.length, host.hosted.said, `seed ${seed}: nor of the host's`);
  client.close();
  return [fresh, resumed];
}

test("messages over lost connections and restarts arrive in order and once or the page is told", () => {
  const total = [0, 0];
  for (let seed = 0; seed < SEEDS; seed++) run(seed).forEach((count, at) => (total[at] += count));
  assert.ok(total[0] > SEEDS && total[1] > SEEDS, `${total}: too few to say anything`);
});
