// structuredClone (WHATWG HTML §2.7), without transfer.

const ERRORS = { EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };

export function structuredClone(value) {
  return cloned(value, new Map());
}

function cloned(value, seen) {
  if (typeof value === "function" || typeof value === "symbol") throw refused(value);
  if (typeof value !== "object" || value === null) return value;
  if (seen.has(value)) return seen.get(value);
  const keep = (copy) => {
    seen.set(value, copy);
    return copy;
  };
  if (Array.isArray(value)) return members(value, keep(new Array(value.length)), seen);
  if (value instanceof Date) return keep(new Date(value.getTime()));
  if (value instanceof RegExp) return keep(new RegExp(value.source, value.flags));
  if (value instanceof ArrayBuffer) return keep(value.slice(0));
  if (ArrayBuffer.isView(value)) return keep(viewOf(value, seen));
  if (value instanceof Map) {
    const copy = keep(new Map());
    for (const [key, item] of [...value]) copy.set(cloned(key, seen), cloned(item, seen));
    return copy;
  }
  if (value instanceof Set) {
    const copy = keep(new Set());
    for (const item of [...value]) copy.add(cloned(item, seen));
    return copy;
  }
  if (value instanceof Error) return errorOf(value, keep, seen);
  if ([Boolean, Number, String, BigInt].some((kind) => value instanceof kind)) return keep(Object(value.valueOf()));
  if (value instanceof Promise || value instanceof WeakMap || value instanceof WeakSet || value instanceof WeakRef) throw refused(value);
  return members(value, keep({}), seen);
}

function members(from, to, seen) {
  for (const key of Object.keys(from)) to[key] = cloned(from[key], seen);
  return to;
}

function viewOf(view, seen) {
  const buffer = cloned(view.buffer, seen);
  return new view.constructor(buffer, view.byteOffset, view.length ?? view.byteLength);
}

function errorOf(error, keep, seen) {
  const kind = ERRORS[error.name] ?? Error;
  const copy = keep(new kind(error.message));
  if (error.stack !== undefined) copy.stack = error.stack;
  if ("cause" in error) Object.defineProperty(copy, "cause", { value: cloned(error.cause, seen), writable: true, configurable: true });
  return copy;
}

function refused(value) {
  const name = typeof value === "object" ? value.constructor.name : typeof value;
  return new DOMException(`a ${name} cannot be cloned`, "DataCloneError");
}
