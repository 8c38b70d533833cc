// A room, in event style: what one says, all hear, under the name that their browser goes by.
//
// Between two calls nothing of this need be in memory, and new code takes over at the next message. So a variable would not last:
// what must last goes into the session, and the host keeps who is in which group.

import { groups } from "sessile";

const ROOM = "room";

/** @type {import("sessile").Handlers} */
export default {
  // Somebody comes. The session is opened before `accept`, so that a new browser gets its cookie with the handshake.
  async open(ws) {
    await ws.session.open();
    await ws.accept();
    await ws.join(ROOM);
    await ws.send("welcome; `/name Ada` gives you a name");
  },

  // A message came. What is thrown here ends this websocket alone, and is in the log with its stack.
  async message(ws, message) {
    if (typeof message !== "string") return ws.close(1003, "text only");
    await ws.session.open();
    if (message.startsWith("/name ")) {
      const name = message.slice("/name ".length).trim();
      ws.session.set("name", name);
      await ws.session.save(); // from here on the name survives even a crash of the host
      return ws.send(`you are ${name}`);
    }
    const name = ws.session.get("name") ?? "somebody";
    await groups.publish(ROOM, `${name}: ${message.trim()}`);
  },
};
