// A JavaScript module that gives feeds itself: for all that no other reader can say.

import { z } from "zod";
import { invalid } from "../../base/errors.js";
import type { Value } from "../../tensor/value.js";
import { cast, makeValue } from "../cast.js";
import { defineReader, endsIn, type ModelInput, type Row } from "../reader.js";

export const module = defineReader({
  name: "module",
  summary: "A .mjs module whose default export is a function that gives an (async) iterable of feeds.",
  options: z.object({ files: z.string().describe("One module") }),
  guess: (path, names) => (names === undefined && endsIn(path, [".mjs", ".js"]) ? { files: path } : undefined),
  async open({ files }, place) {
    const exported = await place.importModule(files);
    const make = exported.default ?? exported.samples ?? exported.feeds;
    const start = typeof make === "function" ? () => make({ inputs: place.inputs, seed: place.seed }) : () => make;
    const once: unknown = await start();
    if (!iterable(once) || (typeof make !== "function" && !Array.isArray(make))) {
      throw invalid("data-module", `${files} does not export a function that gives an iterable of feeds.`, {
        expected: "export default async function* () { yield { input: new Float32Array(n) } }",
        found: `default export: ${typeof make}`,
        hint: "A function, because the data is read more than once.",
      });
    }
    const labelled = exported.labelled === true;
    return {
      labelled,
      metric: typeof exported.metric === "string" ? exported.metric : undefined,
      async *stream() {
        let index = 0;
        for await (const item of (await start()) as AsyncIterable<unknown>)
          yield toRow(item, index++, place.inputs, files);
      },
    };
  },
});

const iterable = (value: unknown): boolean =>
  typeof value === "object" && value !== null && (Symbol.asyncIterator in value || Symbol.iterator in value);

/** `{ input: numbers }`, or `{ feeds: { input: numbers }, label, id }`; numbers are a Value, a typed array or a list. */
function toRow(item: unknown, index: number, inputs: readonly ModelInput[], file: string): Row {
  if (typeof item !== "object" || item === null) {
    throw invalid("data-module", `${file} gave something that is no feeds at ${index}.`, { found: typeof item });
  }
  const sample = "feeds" in item ? (item as { feeds: object; label?: unknown; id?: unknown }) : { feeds: item };
  const fields: Record<string, Value> = {};
  for (const [name, given] of Object.entries(sample.feeds)) {
    fields[name] = toValue(
      given,
      inputs.find((input) => input.name === name),
      `${file}, sample ${index}, ${name}`,
    );
  }
  const id = sample.id === undefined ? String(index) : String(sample.id);
  return sample.label === undefined ? { id, fields } : { id, fields, label: sample.label as NonNullable<Row["label"]> };
}

function toValue(given: unknown, input: ModelInput | undefined, where: string): Value {
  if (typeof given === "object" && given !== null && "dims" in given && "data" in given) {
    const { dims, data, dtype } = given as { dims: readonly number[]; data: Value["data"]; dtype?: Value["dtype"] };
    if (dtype) return { dtype, dims, data };
    return { ...toValue(data, input, where), dims };
  }
  if (!ArrayBuffer.isView(given) && !Array.isArray(given)) {
    throw invalid("data-module", `${where}: this cannot be fed.`, {
      expected: "a typed array, a list of numbers, or { dims, data }",
      found: typeof given,
    });
  }
  const values = Array.from(given as Iterable<number | bigint>, Number);
  const free = input?.shape?.map((dim) => (typeof dim === "number" ? dim : undefined)) ?? [undefined];
  const known = free.reduce<number>((product, dim) => product * (dim ?? 1), 1);
  // The last free dimension takes what is left over, the others are 1: [batch, 3, size] and 300 numbers is [1, 3, 100].
  const open = free.lastIndexOf(undefined);
  const dims = free.map((dim, axis) => dim ?? (axis === open ? values.length / known : 1));
  return cast(makeValue("float64", dims, values), input?.dtype ?? "float32");
}
