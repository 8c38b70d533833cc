// The types, by tsc, and the size, by esbuild: in the versions of package.json, got by `npm install`.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "node:test";

const MINIFIED_MAX = 3000;
const folder = fileURLToPath(new URL("..", import.meta.url));
const tool = (name) => `${folder}node_modules/.bin/${name}`;

function run(name, ...args) {
  const { status, stdout, stderr } = spawnSync(tool(name), args, { cwd: folder });
  assert.equal(status, 0, `${stdout}${stderr}`);
  return stdout;
}

const options = (name) => ({ skip: existsSync(tool(name)) ? false : `${name} is not installed` });

test("types are those of the code", options("tsc"), () => {
  run("tsc", "-p", ".");
});

test("minified client is below 3 KB", options("esbuild"), () => {
  const bytes = run("esbuild", "resume.js", "--minify", "--format=esm", "--target=es2022").length;
  assert.ok(bytes > 1000 && bytes < MINIFIED_MAX, `${bytes} bytes`);
});
