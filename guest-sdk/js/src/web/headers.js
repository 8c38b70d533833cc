// Headers (WHATWG Fetch §5.1).

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Names in lower case, in the order in which they came; those of one name together. */
export class Headers {
  #values = new Map();

  constructor(init) {
    if (init === undefined || init === null) return;
    const pairs = typeof init[Symbol.iterator] === "function" ? init : Object.entries(init);
    for (const [name, value] of pairs) this.append(name, value);
  }

  append(name, value) {
    const key = checked(name);
    const text = String(value).replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, "");
    if (/[\0\n\r]/.test(text)) throw new TypeError(`the value of header '${key}' has a line break`);
    this.#values.set(key, [...(this.#values.get(key) ?? []), text]);
  }

  delete(name) {
    this.#values.delete(checked(name));
  }

  get(name) {
    return this.#values.get(checked(name))?.join(", ") ?? null;
  }

  getAll(name) {
    return [...(this.#values.get(checked(name)) ?? [])];
  }

  getSetCookie() {
    return this.getAll("set-cookie");
  }

  has(name) {
    return this.#values.has(checked(name));
  }

  set(name, value) {
    this.delete(name);
    this.append(name, value);
  }

  forEach(call, self) {
    for (const [name, value] of this) call.call(self, value, name, this);
  }

  *keys() {
    for (const [name] of this) yield name;
  }

  *values() {
    for (const [, value] of this) yield value;
  }

  /** A pair for each value, as they are sent. */
  *entries() {
    for (const [name, values] of this.#values) {
      for (const value of values) yield [name, value];
    }
  }

  [Symbol.iterator]() {
    return this.entries();
  }
}

function checked(name) {
  if (!NAME.test(name)) throw new TypeError(`'${name}' is no name of a header`);
  return String(name).toLowerCase();
}
