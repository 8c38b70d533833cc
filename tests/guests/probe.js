// Does what a message tells it to, for what JavaScript alone has: exceptions, timers, the snapshot in which an instance begins.

import { sleep } from "sessile";

const BUILT = Math.random();
console.log("built here");

function deep() {
  const none = undefined;
  return none.field;
}

async function told(ws, message) {
  const [verb, ...rest] = message.split(" ");
  switch (verb) {
    case "throw":
      return deep();
    case "throw-late":
      await sleep(1);
      return deep();
    case "throw-words":
      throw rest.join(" ");
    case "refused":
      return ws.accept();
    case "wrong-type":
      return ws.send(4);
    case "wrong-types": {
      const wrong = [() => ws.send(null), () => ws.join(1n), () => ws.close("x"), () => ws.accept({ protocol: 7 }), () => ws.ping.call({})];
      const answers = await Promise.allSettled(wrong.map(async (call) => call()));
      return ws.send(answers.map(({ reason }) => reason?.name).join());
    }
    case "half":
      return ws.send("a\ud800b");
    case "random":
      return ws.send(`${BUILT} ${Math.random()} ${crypto.randomUUID()}`);
    case "timers": {
      const rung = [];
      const cancelled = setTimeout(() => rung.push("cancelled"), 5);
      setTimeout((name) => rung.push(name), 20, "second");
      setTimeout(() => rung.push("first"), 10);
      clearTimeout(cancelled);
      await new Promise((done) => {
        const id = setInterval(() => {
          rung.push("tick");
          if (rung.filter((name) => name === "tick").length < 2) return;
          clearInterval(id);
          done();
        }, 30);
      });
      return ws.send(rung.join());
    }
    case "timer-throws":
      setTimeout(deep, 1);
      await sleep(5);
      return ws.send("still here");
    case "left-behind":
      setTimeout(() => console.log("rang after its call"), 1);
      setInterval(deep, 1);
      ws.send("not awaited");
      return;
    case "web": {
      const url = new URL("../b?x=é#y", "http://user@example.org:8080/a/c");
      const bytes = new TextEncoder().encode("é€😀");
      const copy = structuredClone({ map: new Map([[1, { set: new Set(["a"]) }]]) });
      return ws.send(`${url} ${new TextDecoder().decode(bytes)} ${copy.map.get(1).set.has("a")} ${btoa("ab")}`);
    }
    default:
      return ws.send(message);
  }
}

export default {
  message: told,
  async loop(ws) {
    await ws.accept();
    for await (const message of ws) await (message === "both" ? both(ws) : told(ws, message));
  },
};

/** Receives while it sends, by the clock. */
async function both(ws) {
  const id = setInterval(() => ws.send("tick"), 5);
  const message = await ws.receive();
  clearInterval(id);
  await ws.send(message);
}
