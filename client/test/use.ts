// How a program in TypeScript uses the client; tsc checks it, and that what it must not do is an error.
import { ResumeSocket, type Status } from "../resume.js";

const socket = new ResumeSocket("/ws", { key: "chat", bufferedMax: 1024 });
socket.addEventListener("message", ({ data }) => {
  const text: string | ArrayBuffer = data;
  socket.send(text);
});
socket.addEventListener("publication", ({ group, offset }) => console.log(group.length, offset?.toFixed()));
socket.addEventListener("open", ({ recovered }) => socket.send(recovered ? "again" : new Uint8Array([1])));
socket.addEventListener("status", ({ status }) => {
  const known: Status = status;
  console.log(known, socket.bufferedAmount);
});
// @ts-expect-error: there is no such event
socket.addEventListener("pong", () => {});
// @ts-expect-error: nor such data
socket.send(7);
socket.close(4000, "enough");
