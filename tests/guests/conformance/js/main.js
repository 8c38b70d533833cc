// The conformance guest in JavaScript. Its contract is `../README.md`.

import { groups, raw } from "sessile";

import { caseOf, obey } from "./command.js";
import { fetch } from "./exchange.js";
import { ring } from "./realtime.js";

const HEADERS = { "x-guest": "1" };

export default {
  async open(ws) {
    if (ws.search !== "undecided") await open(ws);
  },

  message: obey,

  close: told,

  async upgrade(ws) {
    ws.attachment = new TextEncoder().encode("upgraded");
  },

  async loop(ws) {
    if (ws.search === "raw") return rawEcho(ws);
    if (ws.search === "raw-deny") return rawDeny(ws);
    await open(ws);
    let count = 0;
    for await (const message of ws) {
      count += 1;
      await (message === "count" ? ws.send(String(count)) : obey(ws, message));
    }
    await told(ws, ws.closed);
    try {
      await ws.receive();
    } catch (error) {
      if (error.code !== "disconnected") throw error;
      await publish(ws, `again ${error.close.code}`);
    }
  },

  fetch,

  alarm: ring,
};

/** To the group that the path names. */
async function publish(ws, text) {
  await groups.publish(ws.params.room, text);
}

async function told(ws, { code, reason }) {
  await publish(ws, `closed ${code} ${reason}`);
}

async function open(ws) {
  const headers = HEADERS;
  switch (ws.search) {
    case "reject":
      return ws.reject(418, { headers, body: "no coffee" });
    case "close":
      return ws.close();
    case "fail":
      throw new Error("told to fail");
    case "subprotocol":
      return ws.accept({ protocol: "b", headers });
    case "not-offered":
      return refused(ws, ws.accept({ protocol: "zzz", headers }));
    case "invalid-head":
      return refused(ws, ws.accept({ headers: { "bad name": "1" } }));
    case "early": {
      const answer = await caseOf(() => ws.send("early"));
      await ws.accept({ headers });
      return ws.send(answer);
    }
    case "session":
      await ws.session.open();
      return ws.accept({ headers });
    default:
      return ws.accept({ headers });
  }
}

async function refused(ws, accepting) {
  const answer = await caseOf(() => accepting);
  if (answer !== undefined) await ws.reject(400, { body: answer });
}

async function rawEcho(ws) {
  const accept = { type: "accept", headers: HEADERS };
  for (;;) {
    const event = await raw.receive(ws);
    if (event.type === "connect") await raw.send(ws, accept);
    if (event.type === "disconnect") return told(ws, event);
    if (event.type !== "message") continue;
    let data = event.data;
    if (data === "states") data = Object.values(raw.states(ws)).join(" ");
    if (data === "accept") data = await caseOf(() => raw.send(ws, accept));
    await raw.send(ws, { type: "message", data });
  }
}

async function rawDeny(ws) {
  await raw.receive(ws);
  await raw.send(ws, { type: "response-start", status: 418, headers: HEADERS });
  await raw.send(ws, { type: "response-body", body: "no ", more: true });
  await raw.send(ws, { type: "response-body", body: "coffee" });
}
