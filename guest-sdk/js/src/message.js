// What a message is on either side: a string or bytes, and the variant of the WIT.

import { bytes, bytesOf, closeInfo } from "./error.js";
import { encode } from "./web/utf8.js";

/** A text is sent as text, all else that holds bytes as binary. */
export function message(value) {
  if (typeof value === "string") return { tag: "text", val: value.toWellFormed() };
  const view = bytesOf(value);
  if (view === undefined) throw new TypeError(`a message is ${value === null ? "null" : typeof value}; wanted is a string or bytes (sendJson for others)`);
  return { tag: "binary", val: view };
}

export function data({ val }) {
  return val;
}

/** Bytes of a string or of whatever holds some. */
export function contents(value, name) {
  return typeof value === "string" ? encode(value) : bytes(value, name);
}

/** What became of a message that never waits. */
export function queued({ tag, val }) {
  if (tag === "queued") return { state: tag, bytes: Number(val) };
  return tag === "gone" ? { state: tag, close: closeInfo(val) } : { state: tag };
}
