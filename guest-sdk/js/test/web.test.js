// What of the web is in a handler, beside what Node has.

import "./host.js";

import assert from "node:assert/strict";
import { test } from "node:test";

const NODE = { structuredClone, TextDecoder, TextEncoder, URL, URLSearchParams };
const { structuredClone: cloned } = await import("../src/web/clone.js");
const { TextDecoder: Decoder, TextEncoder: Encoder } = await import("../src/web/encoding.js");
const { Headers: OwnHeaders } = await import("../src/web/headers.js");
const { parseJson } = await import("../src/web/json.js");
const { inspect, errorText } = await import("../src/web/inspect.js");
const { encode } = await import("../src/web/utf8.js");
const { URL: OwnURL, URLSearchParams: Params } = await import("../src/web/url.js");

const PARTS = ["href", "origin", "protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash"];

function parts(URL, url, base) {
  try {
    const parsed = new URL(url, base);
    return PARTS.map((part) => parsed[part]);
  } catch (error) {
    return error.name;
  }
}

test("url_is_parsed_as_node_does", () => {
  const urls = [
    "http://example.org", "HTTP://Example.ORG:80/", "https://a:8443/b?c=d#e", "ws://127.0.0.1:8000/ws?a", "wss://[::1]:443/x",
    "http://user:p%40ss@h/", "http://u@h:1/", "http://h/a/../b/./c/..", "http://h/a%2e%2E/b", "http://h/é?ü#ö", "http://h/%zz%",
    "http://h:65536/", "http://h:x/", "http://", "http:///a", "http:h/a", "//h/a", "a", "", "?q", "#f", "/x", "../y", "./z?w", "..",
    "mailto:a@b", "data:text/plain,a b#c", "javascript:1", "file2://h/p", "x:/a/../b", "x://h", "http://h\\a\\b", "http://a b/",
    "http://h/a b\"<>`{}|", "http://h/?a b\"<>'`{}", "http://h/#a b\"<>`{}", "http://[::FFFF:1.2.3.4]/", "http://[1::2::3]/",
    "http://[1:2:3:4:5:6:7:8]/", "http://[0:0:1:0:0:0:0:1]/", "http://1.2.3.4/", "http://1.2.3.4./", "http://1.2.3.256/",
    "  http://h/\t\n", "http://h?q", "http://h#f", "http://%41.b/", "http://a%00b/", "http://h:/", "http://h:0080/", "HtTpS:relative",
    "http://a:b:c@h/", "http://@h/", "http://:@h/", "http://h/;a=b,c&d", "http://h/\ud800", "http://h/😀?😀#😀",
    "http://h//a//b", "http://h/.", "http://h/..", "x:a/b?c#d", "http:/h/a", "http:?q", "1http://h", "http://h.:80/",
  ];
  let valid = 0;
  for (const base of [undefined, "http://u:p@base.org:81/d/e?f#g", "x:opaque", "x://h/a/b", "https://s/"]) {
    for (const url of urls) {
      const wanted = parts(NODE.URL, url, base);
      assert.deepEqual(parts(OwnURL, url, base), wanted, `${JSON.stringify(url)} on ${base}`);
      valid += Array.isArray(wanted);
    }
  }
  assert.ok(valid > 100, `${valid}`);
});

test("url_that_is_changed_is_as_node_changes_it", () => {
  const changed = (URL) => {
    const url = new URL("http://h/a?b=c#d");
    const said = [];
    for (const change of [
      () => url.searchParams.append("x y", "ü&"), () => url.searchParams.delete("b"), () => (url.search = "?q=1&q=2"),
      () => url.searchParams.set("q", "3"), () => (url.pathname = "e f/../g"), () => (url.hash = "h i"), () => (url.search = ""),
      () => (url.hash = ""),
    ]) {
      change();
      said.push(url.href, JSON.stringify([...url.searchParams]));
    }
    return said;
  };
  assert.deepEqual(changed(OwnURL), changed(NODE.URL));
});

test("params_are_read_and_written_as_node_does", () => {
  for (const query of ["a=1&b=2&a=3", "?x=+%2B%20", "&&a&=b&c=", "é=%C3%A9&bad=%zz%&utf=%ff", "a=b=c", "%F0%9F%98%80=😀", "a=!'()~*"]) {
    const [own, node] = [new Params(query), new NODE.URLSearchParams(query)];
    assert.deepEqual([...own], [...node], query);
    assert.equal(own.toString(), node.toString());
    assert.deepEqual([own.get("a"), own.getAll("a"), own.has("a"), own.size], [node.get("a"), node.getAll("a"), node.has("a"), node.size]);
  }
  assert.equal(String(new Params({ b: 1, a: 2 })), "b=1&a=2");
  assert.equal(String(new Params([["a", "1"], ["a", "2"]])), "a=1&a=2");
});

/** A generator of numbers below a bound, the same at each run. */
function dice() {
  let state = 7;
  return (bound) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % bound;
  };
}

test("utf8_is_as_node_has_it_however_it_is_cut", () => {
  const roll = dice();
  const [encoder, node] = [new Encoder(), new NODE.TextEncoder()];
  const edges = [0, 0x7f, 0x80, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0x9f, 0xa0, 0xed, 0xef, 0xbb, 0xf0, 0x8f, 0x90, 0xf4, 0xf5, 0xff, 0x41];
  for (let round = 0; round < 3000; round++) {
    // Large ones go another way; some of them are valid.
    const ends = Uint8Array.from({ length: roll(12) }, () => edges[roll(edges.length)]);
    const large = round % 3 === 0 ? encode("aé€😀".repeat(roll(20))) : [];
    const bytes = Uint8Array.from([...large, ...(round % 6 === 0 ? [] : ends)]);
    for (const options of [{}, { ignoreBOM: true }, { fatal: true }]) {
      const text = (Decoder_) => {
        try {
          return new Decoder_("utf-8", options).decode(bytes);
        } catch (error) {
          return error.name;
        }
      };
      assert.equal(text(Decoder), text(NODE.TextDecoder), `${bytes} ${JSON.stringify(options)}`);
    }
    const cut = roll(bytes.length + 1);
    const parts = new Decoder();
    const whole = parts.decode(bytes.subarray(0, cut), { stream: true }) + parts.decode(bytes.subarray(cut));
    assert.equal(whole, new NODE.TextDecoder().decode(bytes));
    const text = String.fromCharCode(...Array.from({ length: roll(round % 3 === 0 ? 200 : 8) }, () => [0x41, 0xe9, 0x20ac, 0xd83d, 0xde00, 0xfeff][roll(6)]));
    assert.deepEqual(encoder.encode(text), node.encode(text));
    const [own, theirs] = [new Uint8Array(5), new Uint8Array(5)];
    assert.deepEqual(encoder.encodeInto(text, own), node.encodeInto(text, theirs), JSON.stringify(text));
    assert.deepEqual(own, theirs);
  }
  const long = "aé€😀".repeat(10_000);
  assert.equal(new Decoder().decode(encoder.encode(long)), long);
  assert.throws(() => new Decoder("latin1"), RangeError);
});

test("clone_is_as_node_makes_it", () => {
  const circular = { a: [1, "x", null, undefined, 2n, new Date(5), /a/gi], m: new Map([[{ k: 1 }, new Set([1, 2])]]), b: new Uint8Array([1, 2]) };
  circular.self = circular;
  circular.error = new RangeError("no", { cause: "c" });
  const copy = cloned(circular);
  assert.deepEqual(copy, NODE.structuredClone(circular));
  assert.ok(copy.self === copy && copy.b.buffer !== circular.b.buffer && copy.error instanceof RangeError);
  for (const wrong of [() => 1, Symbol("s"), { f() {} }, new WeakMap()]) assert.throws(() => cloned(wrong), { name: "DataCloneError" });
});

test("json_that_is_too_deep_is_refused_and_all_other_is_parsed", () => {
  const nested = (depth, inner = "") => "[".repeat(depth) + inner + "]".repeat(depth);
  const flat = JSON.stringify(Array.from({ length: 2000 }, (_, number) => ({ "[{": '\\\\"[[[[', number })));
  for (const json of [nested(128), "1", flat, nested(100, flat), `["${"[".repeat(9000)}"]`]) assert.deepEqual(parseJson(json), JSON.parse(json));
  // What closes in texts closes nothing.
  const hidden = '["]]\\"]]",'.repeat(129) + "1" + "]".repeat(129);
  for (const json of [nested(129), nested(100_000), '{"a":'.repeat(129), hidden]) assert.throws(() => parseJson(json), { message: /deeper than 128/ });
  assert.throws(() => parseJson('["' + "[".repeat(600)), { message: /Unterminated|end of/ });
  assert.deepEqual(parseJson("[1]", (_, value) => (value === 1 ? 2 : value)), [2]);
});

test("headers_are_found_in_any_case_and_all_values_are_kept", () => {
  const headers = new OwnHeaders([["X-A", " 1 "], ["b", "2"], ["x-a", "3"]]);
  assert.deepEqual([headers.get("X-a"), headers.getAll("x-A"), headers.get("c"), headers.has("B")], ["1, 3", ["1", "3"], null, true]);
  headers.set("b", "4");
  headers.delete("x-a");
  assert.deepEqual([...headers], [["b", "4"]]);
  for (const [name, value] of [["a b", "x"], ["", "x"], ["a", "x\r\ny: z"]]) assert.throws(() => headers.append(name, value), TypeError);
});

test("values_are_shown_for_people", () => {
  const circular = { a: 1 };
  circular.self = circular;
  for (const [value, shown] of [
    ["text", "text"], [{ a: "b", "c-d": [1, null, 2n] }, '{ a: "b", "c-d": [1, null, 2n] }'], [circular, "{ a: 1, self: [circular] }"],
    [new Map([["a", new Set([1])]]), 'Map(1) {"a" => Set(1) {1}}'], [new Uint8Array([1, 2]), "Uint8Array(2) [1, 2]"], [undefined, "undefined"],
    [new (class Room { seats = 4 })(), "Room { seats: 4 }"], [new OwnURL("http://h/"), "http://h/"], [Object.create(null), "null {}"],
    [{ a: { b: { c: { d: { e: 1 } } } } }, "{ a: { b: { c: { d: [Object] } } } }"], [Array(101).fill(0), `[${"0, ".repeat(100)}… 1 more]`],
  ]) {
    assert.equal(inspect(value), shown);
  }
});

test("error_is_shown_with_its_stack_and_cause_and_without_the_sdk", () => {
  const error = new TypeError("no", { cause: new Error("") });
  error.stack = "TypeError: no\n    at f (src/main.js:1:2)\n    at call (sessile:error.js:3:4)\n    at apply (native)\n";
  error.cause.stack = "    at g (src/main.js:5:6)\n";
  assert.equal(errorText(error), "TypeError: no\n    at f (src/main.js:1:2)\ncaused by Error\n    at g (src/main.js:5:6)");
  assert.equal(errorText("words"), "Uncaught words");
  error.cause = error;
  assert.equal(errorText(error).split("caused by").length, 5);
});
