// Who is connected to this app: websockets of any of its handlers, by their ids.

import wit from "sessile:handler/connections@0.1.0";

import { optional, text, waited, whole } from "./error.js";
import { idFrom } from "./head.js";
import { message, queued } from "./message.js";
import { sessionFrom } from "./session.js";

/** Websockets on a page, the most that the host gives at once. */
const PAGE = 1000;

export const connections = {
  async count(which) {
    return waited(wit.count, selection(which)).then(Number);
  },

  async *list(which) {
    const chosen = selection(which);
    for (let after = null; ; ) {
      const page = await waited(wit.list, chosen, after, PAGE);
      yield* page.map(connection);
      if (page.length < PAGE) return;
      after = page.at(-1).id;
    }
  },

  async lookup(id) {
    const found = await waited(wit.lookup, idFrom(id, "the id"));
    return found === null ? undefined : connection(found);
  },

  async sendTo(id, content) {
    return waited(wit.sendTo, idFrom(id, "the id"), message(content)).then(queued);
  },

  async sendToAll(which, content) {
    return waited(wit.sendToAll, selection(which), message(content));
  },

  async ping(id) {
    return waited(wit.ping, idFrom(id, "the id")).then((span) => Number(span) / 1e6);
  },

  async close(id, code = 1000, reason = "") {
    return waited(wit.close, idFrom(id, "the id"), whole(code, "the code", 65535), text(reason, "the reason"));
  },
};

function selection({ route, handler, group, session } = {}) {
  return {
    route: optional(route, text, "the route"),
    handler: optional(handler, text, "the handler"),
    group: optional(group, text, "the group"),
    sessionOf: optional(session, sessionFrom, "the session"),
  };
}

function connection({ startedAt, activity, buffered, subprotocol, ...found }) {
  return {
    ...found,
    startedAt: new Date(Number(startedAt / 1_000_000n)),
    awake: activity === "awake",
    buffered: Number(buffered),
    protocol: subprotocol,
  };
}
