// What was asked, by whom: the head of the request that a websocket or an exchange began with.

import types from "sessile:handler/types@0.1.0";

import { Session } from "./session.js";
import { text, u64 } from "./error.js";
import { Headers } from "./web/headers.js";

/** The id of a websocket or request, and of nothing else: one that is none would be a trap. */
export let idOf;

/** The id that is meant by a websocket, or by its id. */
export function idFrom(value, name) {
  return value instanceof Head ? idOf(value) : u64(value, name);
}

/** Everything is read from the host when it is asked for, so keep what you need twice. */
export class Head {
  #id;
  #session;

  static {
    idOf = (head) => head.#id;
  }

  constructor(id) {
    this.#id = u64(id, "the id");
  }

  get id() {
    return this.#id;
  }

  get method() {
    return types.method(this.#id);
  }

  get scheme() {
    return types.scheme(this.#id);
  }

  get authority() {
    return types.authority(this.#id);
  }

  get path() {
    return types.path(this.#id);
  }

  get search() {
    return types.query(this.#id) ?? "";
  }

  get query() {
    return new URLSearchParams(this.search);
  }

  get params() {
    return Object.fromEntries(types.params(this.#id));
  }

  get headers() {
    return new Headers(types.headers(this.#id));
  }

  header(name) {
    return types.header(this.#id, text(name, "the header's name"))[0] ?? null;
  }

  get cookies() {
    return cookies(types.header(this.#id, "cookie"));
  }

  get origin() {
    return this.header("origin");
  }

  get url() {
    const query = types.query(this.#id);
    const rest = this.path + (query === null ? "" : `?${query}`);
    return url(`${this.scheme}://${this.authority}`, rest) ?? url(`${this.scheme}://${this.localAddress}`, rest);
  }

  get host() {
    return this.url.hostname.replace(/^\[|\]$/g, "");
  }

  get secure() {
    return this.scheme === "https" || this.scheme === "wss";
  }

  get httpVersion() {
    return types.version(this.#id);
  }

  get peerAddress() {
    return types.peerAddress(this.#id);
  }

  get localAddress() {
    return types.localAddress(this.#id);
  }

  get local() {
    return /^(127\.|\[::1\]|\[::ffff:127\.)/.test(this.peerAddress);
  }

  get startedAt() {
    return new Date(Number(types.startedAt(this.#id) / 1_000_000n));
  }

  get session() {
    this.#session ??= new Session(this.#id);
    return this.#session;
  }
}

/** None where the authority is none. */
function url(base, rest) {
  try {
    return new URL(base + rest);
  } catch {
    return null;
  }
}

/** The cookies of all `cookie` headers (RFC 6265 §5.4), as parameters, of which the last of one name counts; not decoded. */
function cookies(headers) {
  const found = new Map();
  for (const pair of headers.flatMap((header) => header.split(";"))) {
    const at = pair.indexOf("=");
    if (at < 0) continue;
    const name = pair.slice(0, at).trim();
    const value = pair.slice(at + 1).trim().replace(/^"|"$/g, "");
    found.set(name, [...(found.get(name) ?? []), value]);
  }
  return new Cookies(found);
}

/** Cookies by name. */
export class Cookies {
  #found;

  constructor(found) {
    this.#found = found;
  }

  get(name) {
    return this.getAll(name).at(-1) ?? null;
  }

  getAll(name) {
    return this.#found.get(name) ?? [];
  }

  has(name) {
    return this.#found.has(name);
  }

  keys() {
    return this.#found.keys();
  }
}
