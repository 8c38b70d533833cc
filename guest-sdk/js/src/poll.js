// A long poll: looks again and again, until there is something or the time is over.

import { sleep } from "./web/timers.js";

/** What `look` returns once it is neither undefined nor null; undefined after `limit` milliseconds. */
export async function poll(look, { every, limit }) {
  const end = performance.now() + limit;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== null) return found;
    const left = end - performance.now();
    if (left <= 0) return undefined;
    await sleep(Math.min(every, left));
  }
}
