// What a handler imports from "sessile".

export { HostError } from "./error.js";
export { Alarm, alarms } from "./alarms.js";
export { connections } from "./connections.js";
export { groups, Position } from "./groups.js";
export { WebSocket } from "./websocket.js";
export { BodyWriter, Request, Response } from "./http.js";
export { raw } from "./raw.js";
export { poll } from "./poll.js";
export { Session } from "./session.js";
export { sleep } from "./web/timers.js";
