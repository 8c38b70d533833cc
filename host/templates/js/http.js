// A page that knows how often a browser has come: one call for one request.

import { Response } from "sessile";

/** @type {import("sessile").Handlers} */
export default {
  // The session belongs to the browser, by a cookie that the host sets; a websocket of the same app would share it.
  async fetch(request) {
    // Two requests of one browser may run at once. So the count is saved only over the version that was read, and where another
    // was faster, it is read again.
    for (;;) {
      const session = await request.session.open();
      const visits = (session.get("visits") ?? 0) + 1;
      session.set("visits", visits);
      try {
        await session.save({ ifVersion: session.version });
        return new Response(greeting(visits));
      } catch (error) {
        if (error.code !== "conflict") throw error; // answered with 500 and a report's id; the log has the stack
        session.discard();
      }
    }
  },
};

/** @param {number} visits */
function greeting(visits) {
  if (visits === 1) return "Hello, and welcome!\n";
  return `Hello again, visit ${visits}: restart the host, and I still know you.\n`;
}
