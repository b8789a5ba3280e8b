// Opens a model with the library and inspects it, in a process that has loaded pare already: prints the seconds of that.

import { inspect, load } from "../dist/node/index.js";

const start = performance.now();
const found = await inspect(await load(process.argv[2]));
console.log(`seconds ${(performance.now() - start) / 1000}`);
if (found.counts.nodes === 0) throw new Error("nothing was opened");
