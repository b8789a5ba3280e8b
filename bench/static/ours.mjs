// Quantizes a model with the built library and the samples of a folder (dump.ts): node ours.mjs <model> <output> <folder>
// <recipe as JSON> <target>. Prints seconds (imports not counted), processor seconds and the peak of the whole process.

import { open, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { compress, load, save } from "../../dist/node/index.js";

const [model, output, folder, recipe, target] = process.argv.slice(2);
const arrays = { float32: Float32Array, int64: BigInt64Array, int32: Int32Array };

const samples = JSON.parse(await readFile(join(folder, "samples.json"), "utf8"));
const bin = await open(join(folder, "samples.bin"));
const data = {
  name: basename(folder),
  size: samples.length,
  labelled: false,
  synthetic: false,
  metric: undefined,
  async *samples({ limit = Number.POSITIVE_INFINITY } = {}) {
    for (const [index, { feeds }] of samples.entries()) {
      if (index >= limit) return;
      const values = {};
      for (const [name, { dtype, dims, at, bytes }] of Object.entries(feeds)) {
        const buffer = new ArrayBuffer(bytes);
        await bin.read(new Uint8Array(buffer), 0, bytes, at);
        values[name] = { dtype, dims, data: new arrays[dtype](buffer) };
      }
      yield { feeds: values, id: String(index) };
    }
  },
  split: () => data,
};

const start = performance.now();
const before = process.cpuUsage();
const { model: result, notes } = await compress(await load(model), JSON.parse(recipe), { data, target });
await save(result, output);
const { user, system } = process.cpuUsage(before);
console.log(`seconds ${(performance.now() - start) / 1000}`);
console.log(`processor ${(user + system) / 1e6}`);
await bin.close();
const status = await readFile("/proc/self/status", "utf8").catch(() => "");
const peak = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? process.resourceUsage().maxRSS;
console.log(`peak ${Number(peak) * 1024}`);
for (const { level, code, node, text } of notes) console.log(`noted ${JSON.stringify({ level, code, node, text })}`);
// Worker threads that stand idle hold no process up, but sessions may.
process.exit(0);
