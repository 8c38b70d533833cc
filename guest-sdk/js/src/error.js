// What a call of the host comes to when it fails, and the checks before a call: a value of a wrong type would be a trap, which
// nobody can catch.

import { parseJson } from "./web/json.js";

/**
 * Why the host refused something. `code` is the name of the WIT's case, such as `too-large`; what the case carries is beside it:
 * `close`, `actual` and `limit`, `line` and `column`, `call` and `state`, `version`, `id`.
 */
export class HostError extends Error {
  constructor(code, message, values = {}) {
    super(message);
    this.name = "HostError";
    this.code = code;
    Object.assign(this, values);
  }
}

/** An error of a WIT variant, `{ tag, val }`, as one to throw. */
export function hostError({ tag, val }) {
  switch (tag) {
    case "disconnected":
      return new HostError(tag, `the websocket has ended with ${val.code}`, { close: closeInfo(val) });
    case "wrong-state":
      return new HostError(tag, `${val.call} is illegal while the websocket is ${val.state}`, { call: val.call, state: val.state });
    case "too-large":
    case "reason-too-long":
    case "invalid-name":
    case "invalid-tag":
    case "too-many":
    case "length-mismatch":
      return tooLarge(tag, Number(val.actual), Number(val.limit));
    case "wrong-kind":
      return new HostError(tag, `the message is ${val}`, { kind: val });
    case "bad-json":
    case "invalid-metadata":
    case "not-json": {
      const { line, column, reason } = val;
      return new HostError(tag, `bad JSON at line ${line} column ${column}: ${reason}`, { line, column });
    }
    case "conflict":
      return new HostError(tag, `version ${val} of the session is saved`, { version: val });
    case "unknown":
      return new HostError(tag, `no websocket of this app that is connected has the id ${val}`, { id: val });
    case "wrong-order":
      return new HostError(tag, `illegal while the response is ${val}`, { stage: val });
    default:
      return new HostError(tag, said(tag, val));
  }
}

export function tooLarge(code, actual, limit) {
  const words = code === "length-mismatch" ? `${actual} bytes sent, ${limit} promised` : `${actual} exceeds the limit of ${limit}`;
  return new HostError(code, words, { actual, limit });
}

const SAID = {
  "timed-out": "timed out",
  "wrong-style": "receive is for loop style; in event style messages come to `message`",
  "invalid-code": "this close code may not be sent",
  "not-offered": "this subprotocol was not offered",
  "peer-gone": "the peer has gone",
  "gone": "the websocket has ended",
  "session-not-open": "the session is not open, so nobody is known to share it",
  "no-session": "the session was never saved, so no alarm would find it again: open and save it first",
  "no-handler": "the script has no `alarm` that could ring",
  "not-open": "the session is not open: `await ws.session.open()` in each event",
  "cookie-unreachable": "the cookie that this needs cannot reach the peer any more: the head has left",
  "unavailable": "the host cannot do that now",
  "session-unsaved": "the session could not be saved, so the response was not sent",
  "deleted": "the session was flushed",
  "retire": "the host has newer code for this websocket",
  "unsupported": "this host does not do that",
};

function said(tag, val) {
  const words = SAID[tag];
  if (words === undefined) return val === undefined ? tag : String(val);
  return val === undefined ? words : `${words}: ${val}`;
}

/** The value of a text in JSON. */
export function parsed(json) {
  try {
    return parseJson(json);
  } catch (error) {
    const [, line, column] = /line (\d+) column (\d+)/.exec(error.message) ?? [];
    throw new HostError("bad-json", `bad JSON: ${error.message}`, { line: Number(line ?? 0), column: Number(column ?? 0) });
  }
}

export function closeInfo({ code, reason }) {
  return { code, reason };
}

/** Calls an import that answers at once. */
export function call(of, ...args) {
  try {
    return of(...args);
  } catch (error) {
    throw translated(error);
  }
}

/** Calls an import that may wait; one that fails says by its stack where it was called, for after the wait nobody knows. */
export async function waited(of, ...args) {
  const from = {};
  Error.captureStackTrace(from, waited);
  try {
    return await of(...args);
  } catch (error) {
    const told = translated(error);
    if (told instanceof HostError) told.stack = from.stack;
    throw told;
  }
}

/** What an import threw, as one to throw: the runtime throws what the WIT says as the payload of an error. */
export function translated(error) {
  const told = error?.payload;
  return typeof told?.tag === "string" ? hostError(told) : error;
}

// ---- checks --------------------------------------------------------------------------------

/** A text without halves of characters, which no UTF-8 can have. */
export function text(value, name) {
  if (typeof value !== "string") throw wrong(value, name, "a string");
  return value.toWellFormed();
}

export function whole(value, name, max) {
  if (!Number.isInteger(value) || value < 0 || value > max) throw wrong(value, name, `a whole number of 0 to ${max}`);
  return value;
}

/** Bytes of whatever holds some. */
export function bytes(value, name) {
  const view = bytesOf(value);
  if (view === undefined) throw wrong(value, name, "a Uint8Array, an ArrayBuffer or a view of one");
  return view;
}

export function bytesOf(value) {
  if (value instanceof Uint8Array) return value;
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  return undefined;
}

export const U64_MAX = (1n << 64n) - 1n;

/** An id or a version. */
export function u64(value, name) {
  if (typeof value !== "bigint" || value < 0n || value > U64_MAX) throw wrong(value, name, "a bigint of 64 bits");
  return value;
}

export function u32(value, name) {
  return whole(value, name, 2 ** 32 - 1);
}

/** A value as JSON. */
export function jsonOf(value, name) {
  const text = JSON.stringify(value);
  if (text === undefined) throw wrong(value, name, "what JSON can express");
  return text;
}

/** Milliseconds as the nanoseconds of the WIT. */
export function nanos(ms, name) {
  if (typeof ms !== "number" || !(ms >= 0)) throw wrong(ms, name, "milliseconds");
  const span = Math.round(ms * 1e6);
  return span < Number(U64_MAX) ? BigInt(span) : U64_MAX;
}

/** None where nothing is asked for. */
export function optional(value, check, name) {
  return value === undefined || value === null ? null : check(value, name);
}

/** Headers as the WIT has them; from a `Headers`, pairs, or an object. */
export function fields(init) {
  if (init === undefined || init === null) return [];
  if (typeof init !== "object") throw wrong(init, "headers", "an object, pairs, or Headers");
  const pairs = typeof init[Symbol.iterator] === "function" ? init : Object.entries(init);
  return Array.from(pairs, ([name, value]) => [text(name, "a header's name"), text(String(value), `header ${name}`)]);
}

export function wrong(value, name, wanted) {
  const is = value === null ? "null" : typeof value === "number" ? String(value) : typeof value;
  return new TypeError(`${name} is ${is}; wanted is ${wanted}`);
}
