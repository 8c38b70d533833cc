// Timers, through the host's clock. They belong to the call of the handler in which they were set, and end with it: an instance may
// be gone after it.

import time from "sessile:handler/time@0.1.0";

import { nanos, waited } from "../error.js";

const timers = new Map();
let last = 0;
/** Who hears of what a timer threw. */
let failed = () => {};

export function onFailure(report) {
  failed = report;
}

/** Returns after at least so many milliseconds. */
export async function sleep(ms) {
  return waited(time.sleep, nanos(ms, "the span"));
}

export function setTimeout(call, ms = 0, ...args) {
  return begun(call, ms, args, false);
}

export function setInterval(call, ms = 0, ...args) {
  return begun(call, ms, args, true);
}

export function clearTimeout(id) {
  const timer = timers.get(id);
  timers.delete(id);
  timer?.sleeping?.cancel?.();
}

/** The call has ended. */
export function end() {
  if (timers.size === 0) return;
  for (const id of [...timers.keys()]) clearTimeout(id);
}

function begun(call, ms, args, again) {
  if (typeof call !== "function") throw new TypeError("what a timer calls is no function");
  const id = ++last;
  const timer = { call, args, span: nanos(Math.max(Number(ms) || 0, again ? 1 : 0), "the span"), again };
  timers.set(id, timer);
  wait(id, timer);
  return id;
}

function wait(id, timer) {
  timer.sleeping = time.sleep(timer.span);
  // One that is cancelled rejects.
  Promise.resolve(timer.sleeping).then(() => ring(id, timer), () => {});
}

async function ring(id, timer) {
  if (timers.get(id) !== timer) return;
  if (!timer.again) timers.delete(id);
  try {
    await timer.call.apply(undefined, timer.args);
  } catch (error) {
    failed(error);
  }
  if (timer.again && timers.get(id) === timer) wait(id, timer);
}
