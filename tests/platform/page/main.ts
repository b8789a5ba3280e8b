// A page as a user would write it: loads a model, quantizes it and runs both, all in the browser.

import { compress, finetune, inspect, load, run, saveBytes } from "pare";
import type { PageHashes, PageTest, PageTraining } from "./result.js";
import { settings, stripes } from "./training.js";

const pareTest: PageTest = async (recipe, feed) => {
  const url = new URL("model.onnx", document.baseURI);
  const model = await load(url);
  const bytes = await saveBytes(model);
  const blob = new Blob([bytes.slice()]);
  const again = await saveBytes(await load(blob));
  const { model: small } = await compress(model, recipe);
  const smallBytes = await saveBytes(small);
  const feeds = { features: { dtype: "float32", dims: [1, 1, 49, 10], data: Float32Array.from(feed) } } as const;
  const reference = await run(model, feeds);
  const result = await run(await load(smallBytes), feeds);
  const first = (values: Awaited<ReturnType<typeof run>>) => Array.from(Object.values(values)[0]!.data as Float32Array);
  const found = await inspect(model);
  return {
    operators: found.operators.length,
    fromBlob: again.length === bytes.length && again.every((byte, at) => byte === bytes[at]),
    bytes: bytes.length,
    smallBytes: Array.from(smallBytes),
    reference: first(reference),
    result: first(result),
    isolated: crossOriginIsolated,
  };
};

const pareHashes: PageHashes = async (address, recipes) => {
  const model = await load(new URL(address, document.baseURI));
  const hashes: string[] = [];
  for (const recipe of recipes) {
    const { model: small } = await compress(model, recipe, { seed: 5 });
    const bytes = new Uint8Array(await saveBytes(small));
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    hashes.push(Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join(""));
  }
  return hashes;
};

const pareTraining: PageTraining = async (address) => {
  const model = await load(new URL(address, document.baseURI));
  const { log } = await finetune(model, settings, { data: stripes() });
  return { losses: log.map(({ loss }) => loss), accuracy: log.at(-1)!.held!.metric!.value };
};

Object.assign(globalThis, { pareTest, pareHashes, pareTraining });
