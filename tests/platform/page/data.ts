// The page's side of data.test.ts: datasets over files in memory, pictures by the browser's decoder.

import { bytesSource } from "../../../src/base/bytes.js";
import { failed } from "../../../src/base/errors.js";
import { type DatasetSpec, openDataset } from "../../../src/data/index.js";
import type { Model } from "../../../src/ir/model.js";
import { decodeImage } from "../../../src/platform/browser/image.js";

/** The inputs of every sample, as plain lists, in the order of the dataset. `files` are base64 by path. */
export async function feedsOf(
  files: Readonly<Record<string, string>>,
  spec: string | DatasetSpec,
  model: Model,
): Promise<Record<string, number[]>[]> {
  const bytes = (path: string) => Uint8Array.from(atob(files[path]!), (character) => character.charCodeAt(0));
  const names = Object.keys(files).sort();
  const dataset = await openDataset(spec, model, {
    open: async (path) => ({ source: bytesSource(bytes(path), path) }),
    list: async (path) => {
      const inside = path === "." ? names : names.filter((name) => name.startsWith(`${path}/`));
      return path === "." || inside.length > 0
        ? inside.map((name) => (path === "." ? name : name.slice(path.length + 1)))
        : undefined;
    },
    decodeImage,
    importModule: async () => {
      throw failed("no-modules", "The page has no modules of the user's.");
    },
  });
  const feeds: Record<string, number[]>[] = [];
  for await (const sample of dataset.samples()) {
    const values = Object.entries(sample.feeds).map(([name, { data }]) => [
      name,
      Array.from(data as ArrayLike<number>, Number),
    ]);
    feeds.push(Object.fromEntries(values));
  }
  return feeds;
}

(globalThis as unknown as { feedsOf: typeof feedsOf }).feedsOf = feedsOf;
