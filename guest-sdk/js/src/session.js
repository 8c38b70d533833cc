// The session: durable state of one peer, shared by its websockets and exchanges.

import session from "sessile:handler/session@0.1.0";

import { call, nanos, optional, parsed, text, u64, waited, wrong } from "./error.js";
import { decode, encode } from "./web/utf8.js";

/** The id of whose session this is; of nothing else. */
export let sessionFrom;

/** Values are whatever JSON can express. Open it in each event. */
export class Session {
  #of;

  static {
    sessionFrom = (value, name) => {
      if (!(value instanceof Session)) throw wrong(value, name, "a Session");
      return value.#of;
    };
  }

  constructor(of) {
    this.#of = of;
  }

  async open() {
    return waited(session.open, this.#of).then(() => this);
  }

  get(key) {
    const value = call(session.get, this.#of, text(key, "the key"));
    return value === null ? undefined : parsed(decode(value));
  }

  set(key, value) {
    const json = JSON.stringify(value);
    if (json === undefined) throw new TypeError(`${typeof value} is nothing that JSON can express; to remove a key, use remove`);
    call(session.set, this.#of, text(key, "the key"), encode(json));
  }

  remove(key) {
    return call(session.remove, this.#of, text(key, "the key"));
  }

  has(key) {
    return call(session.get, this.#of, text(key, "the key")) !== null;
  }

  keys() {
    return call(session.keys, this.#of);
  }

  get empty() {
    return this.keys().length === 0;
  }

  get user() {
    return this.get("user");
  }

  clear() {
    call(session.clear, this.#of);
  }

  discard() {
    call(session.discard, this.#of);
  }

  get isNew() {
    return call(session.isNew, this.#of);
  }

  get version() {
    return call(session.version, this.#of);
  }

  setExpiry(ms) {
    call(session.setExpiry, this.#of, optional(ms, nanos, "the expiry"));
  }

  async save({ ifVersion } = {}) {
    return waited(session.save, this.#of, optional(ifVersion, u64, "ifVersion"));
  }

  async cycleId() {
    return waited(session.cycleId, this.#of);
  }

  async flush() {
    return waited(session.flush, this.#of);
  }
}
