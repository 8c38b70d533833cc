// Values as a person reads them in a log.

const DEPTH = 4;
const ITEMS = 100;
/** An error may be its own. */
const CAUSES = 4;

/** One value; a text as it is. */
export function inspect(value) {
  return typeof value === "string" ? value : shown(value, DEPTH, new Set());
}

/** An error in the form that this language has: its name and message, where it was thrown, and what caused it. */
export function errorText(error, causes = CAUSES) {
  if (!(error instanceof Error)) return `Uncaught ${inspect(error)}`;
  const head = error.message === "" ? error.name : `${error.name}: ${error.message}`;
  const text = [head, ...frames(error.stack ?? "")].join("\n");
  return error.cause === undefined || causes === 0 ? text : `${text}\ncaused by ${errorText(error.cause, causes - 1)}`;
}

/** Where in the script it was; not where in the SDK, and without the head with which some interpreters begin. */
function frames(stack) {
  return stack.split("\n").filter((line) => /^ +at /.test(line) && !line.includes("sessile:") && !line.includes("(native)"));
}

function shown(value, depth, seen) {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "bigint":
      return `${value}n`;
    case "function":
      return value.name === "" ? "[function]" : `[function ${value.name}]`;
    case "object":
      return value === null ? "null" : objectShown(value, depth, seen);
    default:
      return String(value);
  }
}

function objectShown(value, depth, seen) {
  if (value instanceof Error) return errorText(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
  if (value instanceof RegExp || typeof value.href === "string") return String(value);
  if (seen.has(value)) return "[circular]";
  const name = value.constructor?.name ?? "null";
  if (depth === 0) return Array.isArray(value) ? "[…]" : `[${name}]`;
  seen.add(value);
  const item = (one) => shown(one, depth - 1, seen);
  const text = contents(value, name, item);
  seen.delete(value);
  return text;
}

function contents(value, name, item) {
  if (Array.isArray(value)) return `[${listed(value, item)}]`;
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return `${name}(${value.length}) [${listed(value, item)}]`;
  if (value instanceof ArrayBuffer) return `ArrayBuffer(${value.byteLength})`;
  if (value instanceof Map) return `Map(${value.size}) {${listed(value, ([key, one]) => `${item(key)} => ${item(one)}`)}}`;
  if (value instanceof Set) return `Set(${value.size}) {${listed(value, item)}}`;
  const fields = listed(Object.entries(value), ([key, one]) => `${/^[\w$]+$/.test(key) ? key : JSON.stringify(key)}: ${item(one)}`);
  const plain = name === "Object" ? "" : `${name} `;
  return fields === "" ? `${plain}{}` : `${plain}{ ${fields} }`;
}

function listed(items, item) {
  const all = [...items];
  const more = all.length > ITEMS ? [`… ${all.length - ITEMS} more`] : [];
  return [...all.slice(0, ITEMS).map(item), ...more].join(", ");
}
