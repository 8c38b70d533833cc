// What a handler expects of the web, where the interpreter has it not.

import { structuredClone } from "./clone.js";
import { console, report } from "./console.js";
import { TextDecoder, TextEncoder } from "./encoding.js";
import { Headers } from "./headers.js";
import { parseJson } from "./json.js";
import { crypto, mathRandom } from "./random.js";
import { clearTimeout, onFailure, setInterval, setTimeout } from "./timers.js";
import { URL, URLSearchParams } from "./url.js";
import { Request, Response } from "../http.js";

const WEB = {
  clearInterval: clearTimeout,
  clearTimeout,
  console,
  crypto,
  Headers,
  Request,
  Response,
  setInterval,
  setTimeout,
  structuredClone,
  TextDecoder,
  TextEncoder,
  URL,
  URLSearchParams,
};

for (const [name, value] of Object.entries(WEB)) {
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
}
globalThis.self = globalThis;
JSON.parse = parseJson;
Math.random = mathRandom;
onFailure(report);
