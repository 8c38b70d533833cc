// Alarms: calls at a time to come, of the app or of a session.

import wit from "sessile:handler/alarms@0.1.0";

import { U64_MAX, nanos, optional, parsed, text, waited, whole } from "./error.js";
import { contents } from "./message.js";
import { Session, sessionFrom } from "./session.js";
import { decode } from "./web/utf8.js";

/** Alarms on a page, the most that the host gives at once. */
const PAGE = 100;

/** An alarm: one that rings, with the session that it may be of; or one of a list. */
export class Alarm {
  #of;

  constructor({ name, due, payload, attempt }, of = null) {
    this.name = name;
    this.due = new Date(Number(due / 1_000_000n));
    this.payload = payload;
    this.attempt = attempt;
    this.#of = of;
  }

  text() {
    return decode(this.payload);
  }

  json() {
    return parsed(this.text());
  }

  get session() {
    return this.#of === null ? null : new Session(this.#of);
  }
}

export const alarms = {
  async set(name, { in: ms, at, payload = "", session }) {
    return waited(wit.set, owner(session), text(name, "the name"), due(ms, at), contents(payload, "the payload"));
  },

  async cancel(name, { session } = {}) {
    return waited(wit.cancel, owner(session), text(name, "the name"));
  },

  async *list({ session } = {}) {
    const of = owner(session);
    for (let after = null; ; ) {
      const page = await waited(wit.list, of, after, PAGE);
      yield* page.map((alarm) => new Alarm(alarm));
      if (page.length < PAGE) return;
      after = page.at(-1).name;
    }
  },
};

function owner(session) {
  const of = optional(session, sessionFrom, "the session");
  return of === null ? { tag: "app" } : { tag: "session", val: of };
}

function due(ms, at) {
  if ((ms === undefined) === (at === undefined)) throw new TypeError("an alarm is set either `in` so many milliseconds or `at` a Date");
  const time = at === undefined ? instant(Date.now(), "now") + nanos(ms, "in") : instant(at instanceof Date ? at.getTime() : undefined, "at");
  return time < U64_MAX ? time : U64_MAX;
}

/** Exact, as a number of nanoseconds would not be. */
function instant(ms, name) {
  return BigInt(whole(ms, name, Number.MAX_SAFE_INTEGER)) * 1_000_000n;
}
