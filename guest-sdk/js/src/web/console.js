// The console: lines of the host's log.

import log from "sessile:handler/log@0.1.0";

import { errorText, inspect } from "./inspect.js";

/** Each line by itself: the host's log has no line breaks. */
export function write(level, text) {
  for (const line of text.toWellFormed().split(/\r\n|\n|\r/)) log.write(level, line);
}

function level(name) {
  return (...values) => write(name, formatted(values));
}

/** `%s`, `%d`, `%i`, `%f`, `%o`, `%O`, `%j` and `%%` of the first take the next values; the rest follow. */
function formatted([first, ...rest]) {
  if (typeof first !== "string" || !first.includes("%")) return [first, ...rest].map(inspect).join(" ");
  const text = first.replace(/%([sdifoOj%])/g, (mark, kind) => {
    if (kind === "%") return "%";
    if (rest.length === 0) return mark;
    const value = rest.shift();
    if (kind === "s" || kind === "o" || kind === "O") return inspect(value);
    if (kind === "j") return JSON.stringify(value);
    return String(kind === "i" ? Math.trunc(Number(value)) : Number(value));
  });
  return [text, ...rest.map(inspect)].join(" ");
}

export const console = {
  log: level("info"),
  info: level("info"),
  debug: level("debug"),
  warn: level("warn"),
  error: level("error"),
  trace: level("trace"),
  assert(holds, ...values) {
    if (!holds) write("error", `assertion failed${values.length > 0 ? `: ${formatted(values)}` : ""}`);
  },
};

/** An error with its stack. */
export function report(error) {
  write("error", errorText(error));
}
