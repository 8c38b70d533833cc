// The types say what is so: of the WIT, and of the SDK as it runs.

import "./host.js";

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

const here = (path) => new URL(path, import.meta.url);
const types = readFileSync(here("../sessile.d.ts"), "utf8");
const sdk = await import("../src/index.js");
const { Cookies, Head } = await import("../src/head.js");
const WIT = here("../../../wit/");
const wit = readdirSync(WIT).filter((name) => name.endsWith(".wit")).map((name) => [name, readFileSync(new URL(name, WIT), "utf8")]);

/** Between the braces that follow a text. */
function block(text, begin) {
  const at = text.indexOf(begin);
  assert.ok(at >= 0, begin);
  let depth = 0;
  for (let end = text.indexOf("{", at); ; end++) {
    depth += (text[end] === "{") - (text[end] === "}");
    if (depth === 0) return text.slice(text.indexOf("{", at) + 1, end);
  }
}

test("error_codes_are_the_cases_of_the_wit", () => {
  const cases = new Set();
  for (const [, text] of wit) {
    if (!text.includes("variant error")) continue;
    for (const [, name] of block(text, "variant error").matchAll(/^\s+([a-z-]+)[(,]/gm)) cases.add(name);
  }
  const codes = types.slice(types.indexOf("type ErrorCode ="), types.indexOf(";", types.indexOf("type ErrorCode ="))).matchAll(/"([a-z-]+)"/g);
  assert.deepEqual(Array.from(codes, ([, code]) => code).toSorted(), [...cases].toSorted());
});

test("every_import_of_the_wit_is_called", () => {
  const sources = readdirSync(here("../src/"), { recursive: true }).filter((name) => name.endsWith(".js"));
  const text = sources.map((name) => readFileSync(here(`../src/${name}`), "utf8")).join("\n");
  // In the SDK the host checks JSON only of what comes.
  const unused = ["websocket.sendJson"];
  const camel = (name) => name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
  let seen = 0;
  for (const [, source] of wit.filter(([name]) => name !== "handlers.wit")) {
    const [, name] = /^interface ([a-z]+) /m.exec(source);
    const [, local] = new RegExp(`import (\\w+) from "sessile:handler/${name}@`).exec(text);
    for (const [, func] of source.matchAll(/^ {4}%?([a-z-]+): (?:async )?func/gm)) {
      const called = new RegExp(`\\b${local}\\.${camel(func)}\\b`).test(text);
      assert.equal(called, !unused.includes(`${name}.${camel(func)}`), `${name}.${func}`);
      seen++;
    }
  }
  assert.ok(seen > 50, `${seen}`);
});

test("classes_have_the_members_that_their_types_have", () => {
  const classes = { Head, Cookies, ...sdk };
  let seen = 0;
  for (const [, name] of types.slice(0, types.indexOf("// ---- the web")).matchAll(/^ {2}(?:export )?class (\w+)/gm)) {
    if (name === "HostError") continue;
    const own = Object.getOwnPropertyNames(classes[name].prototype);
    const written = own.filter((member) => member !== "constructor");
    const fields = { Response: ["body", "headers", "status"], Position: ["epoch", "offset"], Alarm: ["attempt", "due", "name", "payload"] }[name] ?? [];
    const typed = new Set(Array.from(block(types, `class ${name}`).matchAll(/^ {4}(?:readonly |get |set )?(\w+)[(:<]/gm), ([, member]) => member));
    typed.delete("constructor");
    assert.deepEqual([...typed].toSorted(), [...written, ...fields].toSorted(), name);
    const statics = Array.from(block(types, `class ${name}`).matchAll(/^ {4}static (\w+)/gm), ([, member]) => member);
    for (const member of statics) assert.equal(typeof classes[name][member], "function", `${name}.${member}`);
    seen++;
  }
  assert.equal(seen, 9);
});

test("module_exports_what_its_types_do", () => {
  const typed = Array.from(types.matchAll(/^ {2}export (?:class|const|function) (\w+)/gm), ([, name]) => name);
  assert.deepEqual(typed.toSorted(), Object.keys(sdk).toSorted());
});

test("globals_are_those_of_the_types", () => {
  const text = readFileSync(here("../src/web/globals.js"), "utf8");
  const installed = Array.from(block(text, "const WEB =").matchAll(/^ {2}(\w+)[,:]/gm), ([, name]) => name);
  const typed = Array.from(types.matchAll(/^declare (?:class|const|function) (\w+)/gm), ([, name]) => name);
  // Those that the interpreter has; and those whose types are the module's.
  const native = ["atob", "btoa", "performance", "queueMicrotask"];
  assert.deepEqual([...installed, ...native].toSorted(), [...typed, "Request", "Response"].toSorted());
});
