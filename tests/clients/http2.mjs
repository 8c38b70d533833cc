// node's http2 against a host: exchanges, a websocket on a stream (RFC 8441), a stream that is cancelled.
// Arguments: the plain address, the one over TLS, the certificate.
import assert from "node:assert";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, constants } from "node:http2";

const [plain, secure, certificate] = process.argv.slice(2);

async function exchange(session, headers, body) {
  const stream = session.request(headers);
  stream.end(body);
  const [answer] = await once(stream, "response");
  const parts = [];
  for await (const part of stream) parts.push(part);
  return [answer[":status"], Buffer.concat(parts)];
}

// A text frame of less than 126 bytes, masked (RFC 6455 §5.2).
function frame(text) {
  const payload = Buffer.from(text), mask = randomBytes(4);
  return Buffer.concat([Buffer.from([0x81, 0x80 | payload.length]), mask, payload.map((byte, at) => byte ^ mask[at % 4])]);
}

async function websocket(session, path, origin) {
  const stream = session.request({
    ":method": "CONNECT", ":protocol": "websocket", ":path": path, "sec-websocket-version": "13", origin,
  });
  const [answer] = await once(stream, "response");
  return [answer[":status"], stream];
}

async function walk(address, options) {
  const session = connect(address, options);
  const [settings] = await once(session, "remoteSettings");
  assert.equal(settings.enableConnectProtocol, true);

  const [status, head] = await exchange(session, { ":path": "/http/head" });
  assert.deepEqual([status, JSON.parse(head).version], [200, "2"]);
  const body = randomBytes(500_000);
  const [, echoed] = await exchange(session, { ":method": "POST", ":path": "/http/echo" }, body);
  assert(echoed.equals(body));
  assert.deepEqual((await exchange(session, { ":path": "/file", range: "bytes=2-4" })).map(String), ["206", "234"]);

  const [refused] = await websocket(session, "/ws", "https://evil.example");
  assert.equal(refused, 403);
  const [accepted, socket] = await websocket(session, "/ws", address);
  assert.equal(accepted, 200);
  socket.write(frame("over HTTP/2"));
  const [echo] = await once(socket, "data");
  assert.deepEqual([...echo.subarray(0, 2)], [0x81, 11]);
  assert.equal(String(echo.subarray(2)), "over HTTP/2");

  const flood = session.request({ ":path": "/fresh/flood/64" });
  await once(flood, "data");
  flood.close(constants.NGHTTP2_CANCEL);
  await once(flood, "close");
  socket.write(frame("still"));
  assert.equal(String((await once(socket, "data"))[0].subarray(2)), "still");
  socket.write(frame("close 4001 bye"));
  const [close] = await once(socket, "data");
  assert.deepEqual([close[0], close.readUInt16BE(2)], [0x88, 4001]);
  session.destroy();
}

await walk(plain);
await walk(secure, { ca: readFileSync(certificate) });
console.log("walked");
