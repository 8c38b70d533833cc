// A page that knows how often a browser has come: one call for one request.

import { HostError, Response, type Handlers } from "sessile";

export default {
  // The session belongs to the browser, by a cookie that the host sets; a websocket of the same app would share it.
  async fetch(request) {
    // Two requests of one browser may run at once. So the count is saved only over the version that was read, and where another
    // was faster, it is read again.
    for (;;) {
      const session = await request.session.open();
      const visits = (session.get<number>("visits") ?? 0) + 1;
      session.set("visits", visits);
      try {
        await session.save({ ifVersion: session.version });
        return new Response(greeting(visits));
      } catch (error) {
        // Any other is answered with 500 and a report's id; the log has the stack.
        if (!(error instanceof HostError && error.code === "conflict")) throw error;
        session.discard();
      }
    }
  },
} satisfies Handlers;

function greeting(visits: number): string {
  if (visits === 1) return "Hello, and welcome!\n";
  return `Hello again, visit ${visits}: restart the host, and I still know you.\n`;
}
