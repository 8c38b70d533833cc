// JSON.parse that refuses what is nested so deeply that the interpreter would run out of stack, which is a trap that nobody can catch, and a
// peer's to cause.

const { parse } = JSON;
/** Levels of lists and objects: as many as the host takes. */
const DEPTH_MAX = 128;
const QUOTE = '"';

export function parseJson(text, reviver) {
  const json = String(text);
  if (json.length > DEPTH_MAX && hasMany(json) && isDeep(json)) throw new SyntaxError(`JSON is nested deeper than ${DEPTH_MAX} levels`);
  return parse(json, reviver);
}

/** Whether there is so much that opens; in most texts there is not. */
function hasMany(json) {
  let left = DEPTH_MAX;
  for (const open of ["[", "{"]) {
    for (let at = json.indexOf(open); at >= 0; at = json.indexOf(open, at + 1)) {
      if (--left < 0) return true;
    }
  }
  return false;
}

function isDeep(json) {
  let depth = 0;
  let at = 0;
  for (;;) {
    const quote = json.indexOf(QUOTE, at);
    const end = quote < 0 ? json.length : quote;
    for (; at < end; at++) {
      const unit = json.charCodeAt(at);
      if (unit === 0x5b || unit === 0x7b) depth += 1;
      else if (unit === 0x5d || unit === 0x7d) depth -= 1;
      if (depth > DEPTH_MAX) return true;
    }
    if (quote < 0) return false;
    at = afterText(json, quote + 1);
  }
}

/** Behind the quote that ends a text. */
function afterText(json, begin) {
  for (let end = json.indexOf(QUOTE, begin); end >= 0; end = json.indexOf(QUOTE, end + 1)) {
    let escapes = 0;
    while (json[end - 1 - escapes] === "\\") escapes += 1;
    if (escapes % 2 === 0) return end + 1;
  }
  return json.length;
}
