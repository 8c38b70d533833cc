// What a message is on either side: a string or bytes, and the variant of the WIT.

import { bytesOf } from "./error.js";

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
