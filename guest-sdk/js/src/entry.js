// What the interpreter runs at build time: the web, then the script; then it tells the host which handlers there are.

import "./web/globals.js";

import * as script from "sessile:script";

import { exported, handled } from "./handlers.js";

const interfaces = handled(script.default);
export const { websocketEvents, websocketUpgrade, publicationHandler, websocketHandler, httpHandler, alarmHandler } = exported(script.default);

await import(`sessile:handles/${interfaces.join(",")}`);
