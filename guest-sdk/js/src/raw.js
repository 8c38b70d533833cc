// A websocket as a stream of events in both directions, as ASGI has it. Loop style.

import wit from "sessile:handler/raw@0.1.0";

import { closeInfo, fields, nanos, optional, text, waited, whole } from "./error.js";
import { idOf } from "./head.js";
import { contents, message } from "./message.js";

export const raw = {
  states(ws) {
    const [peer, application] = wit.states(idOf(ws));
    return { peer, application };
  },

  async send(ws, event) {
    return waited(wit.send, idOf(ws), outgoing(event));
  },

  async receive(ws, { timeout } = {}) {
    return waited(wit.receive, idOf(ws), optional(timeout, nanos, "timeout")).then(incoming);
  },
};

function incoming({ tag, val }) {
  if (tag === "message") return { type: tag, data: val.val };
  return tag === "disconnect" ? { type: tag, ...closeInfo(val) } : { type: tag };
}

function outgoing(event) {
  switch (event.type) {
    case "accept":
      return { tag: "accept", val: { subprotocol: optional(event.protocol, text, "protocol"), headers: fields(event.headers) } };
    case "message":
      return { tag: "message", val: message(event.data) };
    case "close":
      return { tag: "close", val: { code: whole(event.code ?? 1000, "code", 65535), reason: text(event.reason ?? "", "reason") } };
    case "response-start":
      return { tag: "response-start", val: { status: whole(event.status, "status", 65535), headers: fields(event.headers) } };
    case "response-body":
      return { tag: "response-body", val: { body: contents(event.body, "body"), more: Boolean(event.more) } };
    default:
      throw new TypeError(`'${event.type}' is no event; there are accept, message, close, response-start, response-body`);
  }
}
