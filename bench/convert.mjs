// Quantizes a model with the library, in a process that has loaded pare already: prints the seconds from opening the model to
// the written file. node convert.mjs <model> <options of the quantize step, as JSON> <output>

import { compress, load, save } from "../dist/node/index.js";

const [model, options, output] = process.argv.slice(2);
const start = performance.now();
const { model: result } = await compress(await load(model), [{ method: "quantize", ...JSON.parse(options) }]);
await save(result, output);
console.log(`seconds ${(performance.now() - start) / 1000}`);
