// The host of a test: what it was asked is in `asked`, and a test says what it answers.

export const asked = [];

const answers = new Map();

/** What a function answers from now on: a value, or a function of its arguments. */
export function answer(name, value) {
  answers.set(name, value);
}

/** What the runtime throws where the WIT says `err`. */
export function refuse(tag, val) {
  return () => {
    throw Object.assign(new Error("see error.payload"), { payload: { tag, val } });
  };
}

export function reset() {
  asked.length = 0;
  answers.clear();
}

function interfaceOf(name) {
  return new Proxy({}, { get: (_, func) => (...args) => told(`${name}.${func}`, args) });
}

function told(name, args) {
  asked.push([name, ...args]);
  const value = answers.get(name) ?? null;
  return typeof value === "function" ? value(...args) : value;
}

// What the interpreter has, and Node has from version 25 on.
Uint8Array.fromBase64 ??= (text) => Uint8Array.from(Buffer.from(text, "base64"));
Uint8Array.prototype.toBase64 ??= function () {
  return Buffer.from(this).toString("base64");
};

const NAMES = ["types", "websocket", "raw", "http", "session", "groups", "connections", "alarms", "time", "log", "random"];
globalThis.host = Object.fromEntries(NAMES.map((name) => [name, interfaceOf(name)]));
