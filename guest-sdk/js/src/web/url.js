// URL and URLSearchParams (WHATWG URL), but for hosts outside of ASCII, which are refused, and numbers as hosts other than IPv4's
// four.

const SPECIAL = { "http:": "80", "https:": "443", "ws:": "80", "wss:": "443", "ftp:": "21" };
const CONTROLS = "\\u0000-\\u001f\\u007f-\\u{10ffff}";
const escaping = (set) => new RegExp(`[${CONTROLS}${set}]`, "gu");
const FRAGMENT = escaping(' "<>`');
const QUERY = escaping(' "#<>');
const SPECIAL_QUERY = escaping(` "#<>'`);
const PATH = escaping(' "#<>?^`{}');
const USER = escaping(' "#<>?^`{}/:;=@\\[\\]|\\\\');
const OPAQUE = escaping("").source;
const FORBIDDEN = /[\0\t\n\r #/:<>?@[\\\]^|]/;

export class URL {
  #scheme;
  #username = "";
  #password = "";
  #host = null;
  #port = "";
  #path = [];
  #opaque = null;
  #query = null;
  #fragment = null;
  #params;

  constructor(url, base) {
    const text = String(url).replace(/^[\0-\x20]+|[\0-\x20]+$/g, "").replace(/[\t\n\r]/g, "");
    const from = base === undefined ? null : new URL(base);
    this.#parse(text, from, String(url));
    this.#params = new URLSearchParams(this.#query ?? "");
    adopt(this.#params, (query) => {
      this.#query = query === "" ? null : query;
    });
  }

  static canParse(url, base) {
    return URL.parse(url, base) !== null;
  }

  static parse(url, base) {
    try {
      return new URL(url, base);
    } catch {
      return null;
    }
  }

  get href() {
    const fragment = this.#fragment === null ? "" : `#${this.#fragment}`;
    const query = this.#query === null ? "" : `?${this.#query}`;
    return `${this.#scheme}${this.#authority()}${this.pathname}${query}${fragment}`;
  }

  get origin() {
    return this.#scheme in SPECIAL ? `${this.#scheme}//${this.host}` : "null";
  }

  get protocol() {
    return this.#scheme;
  }

  get username() {
    return this.#username;
  }

  get password() {
    return this.#password;
  }

  get host() {
    return (this.#host ?? "") + (this.#port === "" ? "" : `:${this.#port}`);
  }

  get hostname() {
    return this.#host ?? "";
  }

  get port() {
    return this.#port;
  }

  get pathname() {
    return this.#opaque ?? this.#path.map((part) => `/${part}`).join("");
  }

  set pathname(path) {
    if (this.#opaque !== null) return;
    this.#path = [];
    this.#setPath(String(path));
  }

  get search() {
    return this.#query === null || this.#query === "" ? "" : `?${this.#query}`;
  }

  set search(search) {
    const text = String(search).replace(/^\?/, "");
    this.#query = text === "" ? null : this.#escapedQuery(text);
    refill(this.#params, this.#query ?? "");
  }

  get searchParams() {
    return this.#params;
  }

  get hash() {
    return this.#fragment === null || this.#fragment === "" ? "" : `#${this.#fragment}`;
  }

  set hash(hash) {
    const text = String(hash).replace(/^#/, "");
    this.#fragment = text === "" ? null : escape(text, FRAGMENT);
  }

  toString() {
    return this.href;
  }

  toJSON() {
    return this.href;
  }

  #parse(text, from, whole) {
    const [before, fragment] = cut(text, "#");
    const [scheme] = /^[a-z][a-z0-9+.-]*:/i.exec(before) ?? [];
    const own = scheme?.toLowerCase();
    const relative = own === undefined || (own in SPECIAL && own === from?.protocol && !/^[/\\]{2}/.test(before.slice(own.length)));
    if (relative && from === null && own === undefined) throw invalid(whole);
    if (relative && from !== null) this.#relative(before.slice(own?.length ?? 0), from, whole);
    else this.#absolute(own, before.slice(own.length), whole);
    if (fragment !== null) this.#fragment = escape(fragment, FRAGMENT);
  }

  #absolute(scheme, text, whole) {
    this.#scheme = scheme;
    const [rest, query] = cut(text, "?");
    if (scheme in SPECIAL) {
      this.#afterHost(rest.replace(/^[/\\]*/, ""), whole);
    } else if (rest.startsWith("//")) {
      this.#afterHost(rest.slice(2), whole);
    } else if (rest.startsWith("/")) {
      this.#setPath(rest);
    } else {
      this.#opaque = escape(rest, new RegExp(OPAQUE, "gu"));
    }
    if (query !== null) this.#query = this.#escapedQuery(query);
  }

  #relative(text, from, whole) {
    if (from.#opaque !== null && !(text === "" && whole.includes("#"))) throw invalid(whole);
    this.#scheme = from.#scheme;
    const special = this.#scheme in SPECIAL;
    const [rest, query] = cut(text, "?");
    const unified = special ? rest.replaceAll("\\", "/") : rest;
    if (unified.startsWith("//")) {
      this.#afterHost(special ? unified.replace(/^\/+/, "") : unified.slice(2), whole);
    } else {
      [this.#username, this.#password, this.#host, this.#port] = [from.#username, from.#password, from.#host, from.#port];
      this.#opaque = from.#opaque;
      this.#query = unified === "" ? from.#query : null;
      this.#path = unified.startsWith("/") ? [] : from.#path.slice(0, unified === "" ? undefined : -1);
      if (unified !== "") this.#setPath(unified);
    }
    if (query !== null) this.#query = this.#escapedQuery(query);
  }

  #afterHost(text, whole) {
    const special = this.#scheme in SPECIAL;
    const end = text.search(special ? /[/\\]/ : /\//);
    const authority = end < 0 ? text : text.slice(0, end);
    const at = authority.lastIndexOf("@");
    if (at >= 0) {
      const [name, password] = cut(authority.slice(0, at), ":");
      [this.#username, this.#password] = [escape(name, USER), escape(password ?? "", USER)];
    }
    const [, host, port] = /^(\[[^\]]*\]|[^:]*)(?::([0-9]*))?$/.exec(authority.slice(at + 1)) ?? [];
    if (host === undefined || (special && host === "") || (host === "" && (port || at >= 0)) || Number(port ?? 0) > 65535) throw invalid(whole);
    this.#host = hostOf(host, special, whole);
    this.#port = port === undefined || port === "" || String(Number(port)) === SPECIAL[this.#scheme] ? "" : String(Number(port));
    const path = end < 0 ? "" : text.slice(end);
    if (special || path !== "") this.#setPath(path);
  }

  #setPath(text) {
    const special = this.#scheme in SPECIAL;
    const parts = text.split(special ? /[/\\]/ : "/");
    if (parts[0] === "") parts.shift();
    if (parts.length === 0) parts.push("");
    for (const [number, part] of parts.entries()) {
      const last = number === parts.length - 1;
      const plain = part.replace(/%2e/gi, ".");
      if (plain === "..") this.#path.pop();
      if (plain !== ".." && plain !== ".") this.#path.push(escape(part, PATH));
      else if (last) this.#path.push("");
    }
  }

  #escapedQuery(text) {
    return escape(text, this.#scheme in SPECIAL ? SPECIAL_QUERY : QUERY);
  }

  #authority() {
    if (this.#host === null) return this.#path.length > 1 && this.#path[0] === "" ? "/." : "";
    const password = this.#password === "" ? "" : `:${this.#password}`;
    const user = this.#username === "" && this.#password === "" ? "" : `${this.#username}${password}@`;
    return `//${user}${this.host}`;
  }
}

function cut(text, mark) {
  const at = text.indexOf(mark);
  return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
}

function invalid(url) {
  return new TypeError(`'${url}' is no URL`);
}

function escape(text, set) {
  return text.toWellFormed().replace(set, (character) =>
    character.codePointAt(0) < 0x80 ? `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}` : encodeURIComponent(character),
  );
}

function hostOf(host, special, whole) {
  if (host.startsWith("[")) {
    const address = ipv6(host.slice(1, -1));
    if (address === null) throw invalid(whole);
    return `[${address}]`;
  }
  if (!special) {
    if (FORBIDDEN.test(host)) throw invalid(whole);
    return escape(host, new RegExp(OPAQUE, "gu"));
  }
  let name;
  try {
    name = decodeURIComponent(host).toLowerCase();
  } catch {
    throw invalid(whole);
  }
  if (FORBIDDEN.test(name) || /[%\x01-\x1f\x7f-\u{10ffff}]/u.test(name)) throw invalid(whole);
  const last = name.replace(/\.$/, "").split(".").at(-1);
  if (/^(\d+|0x[0-9a-f]*)$/.test(last)) {
    const numbers = name.replace(/\.$/, "").split(".");
    if (numbers.length !== 4 || !numbers.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) throw invalid(whole);
    return numbers.join(".");
  }
  return name;
}

/** An address in its shortest form (RFC 5952); none where it is none. */
function ipv6(text) {
  const dotted = text.replace(/(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/, (_, ...four) => {
    const [a, b, c, d] = four.slice(0, 4).map(Number);
    return Math.max(a, b, c, d) > 255 ? "bad" : `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });
  const halves = dotted.split("::");
  if (halves.length > 2) return null;
  const [head, tail] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const zeros = tail === undefined ? 0 : 8 - head.length - tail.length;
  if (tail !== undefined && zeros < 1) return null;
  const all = [...head, ...Array(zeros).fill("0"), ...(tail ?? [])];
  if (all.length !== 8 || !all.every((part) => /^[0-9a-f]{1,4}$/i.test(part))) return null;
  const numbers = all.map((part) => parseInt(part, 16).toString(16));
  let best = { at: -1, length: 1 };
  for (let at = 0; at < 8; at++) {
    let length = 0;
    while (numbers[at + length] === "0") length++;
    if (length > best.length) best = { at, length };
  }
  if (best.at < 0) return numbers.join(":");
  return `${numbers.slice(0, best.at).join(":")}::${numbers.slice(best.at + best.length).join(":")}`;
}

// ---- parameters ----------------------------------------------------------------------------

const owners = new WeakMap();

function adopt(params, changed) {
  owners.set(params, changed);
}

function refill(params, query) {
  params.fill(parsed(query));
}

export class URLSearchParams {
  #pairs = [];

  constructor(init = "") {
    if (typeof init === "object" && init !== null) {
      const pairs = typeof init[Symbol.iterator] === "function" ? init : Object.entries(init);
      for (const [name, value] of pairs) this.#pairs.push([String(name).toWellFormed(), String(value).toWellFormed()]);
    } else {
      this.#pairs = parsed(String(init).replace(/^\?/, ""));
    }
  }

  /** For the URL whose parameters these are. */
  fill(pairs) {
    this.#pairs = pairs;
  }

  get size() {
    return this.#pairs.length;
  }

  append(name, value) {
    this.#pairs.push([String(name).toWellFormed(), String(value).toWellFormed()]);
    this.#changed();
  }

  delete(name, value) {
    this.#pairs = this.#pairs.filter(([is, has]) => is !== String(name) || (value !== undefined && has !== String(value)));
    this.#changed();
  }

  get(name) {
    return this.#pairs.find(([is]) => is === String(name))?.[1] ?? null;
  }

  getAll(name) {
    return this.#pairs.filter(([is]) => is === String(name)).map(([, value]) => value);
  }

  has(name, value) {
    return this.#pairs.some(([is, has]) => is === String(name) && (value === undefined || has === String(value)));
  }

  set(name, value) {
    const at = this.#pairs.findIndex(([is]) => is === String(name));
    if (at < 0) return this.append(name, value);
    this.#pairs = this.#pairs.filter(([is], number) => is !== String(name) || number === at);
    this.#pairs[at][1] = String(value).toWellFormed();
    this.#changed();
  }

  sort() {
    this.#pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    this.#changed();
  }

  forEach(call, self) {
    for (const [name, value] of this) call.call(self, value, name, this);
  }

  *keys() {
    for (const [name] of this.#pairs) yield name;
  }

  *values() {
    for (const [, value] of this.#pairs) yield value;
  }

  *entries() {
    for (const [name, value] of this.#pairs) yield [name, value];
  }

  [Symbol.iterator]() {
    return this.entries();
  }

  toString() {
    return this.#pairs.map((pair) => pair.map(formEscaped).join("=")).join("&");
  }

  #changed() {
    owners.get(this)?.(this.toString());
  }
}

function parsed(query) {
  const pairs = query.split("&").filter((pair) => pair !== "");
  return pairs.map((pair) => {
    const [name, value] = cut(pair, "=");
    return [formText(name), formText(value ?? "")];
  });
}

/** `+` is a space, `%XX` a byte; what is no escape stays, what is no UTF-8 is replaced. */
function formText(text) {
  const spaced = text.replaceAll("+", " ").toWellFormed();
  if (!spaced.includes("%")) return spaced;
  return spaced.replace(/(%[0-9a-f]{2})+/gi, (escapes) => {
    const bytes = escapes.slice(1).split("%").map((digits) => parseInt(digits, 16));
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(bytes));
  });
}

function formEscaped(text) {
  const mark = (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(text).replace(/[!'()~]/g, mark).replaceAll("%20", "+");
}
