// The room, in TypeScript: it knows people by the session that the login has saved, which is Python.

import { groups, type Handlers } from "sessile";

const ROOM = "room";
/** A close code of our own: the page asks for a name then. A refused handshake would be hidden from it by the browser. */
const WHO = 4401;

export default {
  async open(ws) {
    await ws.session.open();
    await ws.accept();
    const user = ws.session.get("user");
    if (typeof user !== "string") return ws.close(WHO, "log in first");
    ws.attachment = new TextEncoder().encode(user);
    await ws.join(ROOM);
    await groups.publish(ROOM, `${user} is here`);
  },

  async message(ws, message) {
    if (typeof message !== "string") return ws.close(1003, "text only");
    await groups.publish(ROOM, `${new TextDecoder().decode(ws.attachment)}: ${message}`);
  },

  async close(ws) {
    const user = new TextDecoder().decode(ws.attachment);
    if (user) await groups.publish(ROOM, `${user} has left`);
  },
} satisfies Handlers;
