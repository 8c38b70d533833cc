// An echo that counts, in loop style: one call for one websocket, as long as it lives.
//
// It may keep what it likes in variables: its instance serves nobody else, and blocks nobody while it waits. The price is memory for
// each open websocket; where thousands are idle, event style costs less.

/** @type {import("sessile").Handlers} */
export default {
  async loop(ws) {
    // Until now it could look at the request and say `ws.reject(403, { body: "why" })`.
    await ws.accept();
    let count = 0;
    // The iteration ends once the peer has left. What is thrown ends this websocket alone, with 1011, and is in the log.
    for await (const message of ws) {
      count += 1;
      await ws.send(typeof message === "string" ? `${count}: ${message}` : message);
    }
    console.log(count, "messages, then", ws.closed);
  },
};
