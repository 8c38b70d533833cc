// What commands and answers are made of.

export const NONE = "(none)";

/** A word and the rest. */
export function split(line) {
  const at = line.indexOf(" ");
  return at < 0 ? [line, ""] : [line.slice(0, at), line.slice(at + 1)];
}

export async function ok(done) {
  await done;
  return "ok";
}
