// Randomness: the host's, fresh in each instance. What the interpreter has of its own was frozen when the script ran.

import random from "wasi:random/random@0.2.12";

/** The states of Math.random in this instance. */
let seed = null;
let serving = false;

/** An instance begins to serve: nothing of before is random to it. */
export function begin() {
  if (serving) return;
  serving = true;
  seed = null;
}

export const crypto = {
  getRandomValues(view) {
    if (!ArrayBuffer.isView(view) || view instanceof DataView || view instanceof Float32Array || view instanceof Float64Array) {
      throw new DOMException("getRandomValues fills arrays of whole numbers", "TypeMismatchError");
    }
    if (view.byteLength > 65536) throw new DOMException(`${view.byteLength} bytes exceed the limit of 65536`, "QuotaExceededError");
    fresh("crypto.getRandomValues");
    new Uint8Array(view.buffer, view.byteOffset, view.byteLength).set(random.getRandomBytes(BigInt(view.byteLength)));
    return view;
  },

  randomUUID() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  },
};

/** A secret of the top level would be the same in each instance, and in the file. */
function fresh(name) {
  if (!serving) throw new Error(`${name} was called at build time; call it in a handler`);
}

/** As Math.random: fast, and not for secrets (xoroshiro64**, twice). */
export function mathRandom() {
  seed ??= seeded();
  return (next() * 0x200000 + (next() >>> 11)) / 0x20000000000000;
}

function seeded() {
  const bits = random.getRandomU64();
  return [Number(bits & 0xffffffffn) | 1, Number(bits >> 32n) | 0];
}

function next() {
  let [s0, s1] = seed;
  const product = Math.imul(s0, 0x9e3779bb);
  const result = Math.imul((product << 5) | (product >>> 27), 5) >>> 0;
  s1 ^= s0;
  seed[0] = ((s0 << 26) | (s0 >>> 6)) ^ s1 ^ (s1 << 9);
  seed[1] = (s1 << 13) | (s1 >>> 19);
  return result;
}
