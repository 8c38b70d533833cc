// Stands for the host: modules of the WIT's names, whose functions are those of `host.js`. Everything else is the SDK as it is.

import { register } from "node:module";

register("./resolve.js", import.meta.url);
