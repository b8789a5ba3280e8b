// How large a model is by the definitions of a study: weights that are not zero, and multiply-accumulates by them.

import { observe } from "../../engine/observe.js";
import type { EngineServices } from "../../engine/session.js";
import type { Model, Node } from "../../ir/model.js";
import { nonZeroCount } from "../../metrics/count-non-zero.js";
import type { StudySize } from "../../metrics/study-report.js";
import { parameterCount } from "../../metrics/weights.js";
import { workOf } from "../../metrics/work.js";
import type { Feeds } from "../../tensor/value.js";
import { prepare } from "../../weights/prepare.js";
import { collectWeights, matrixUses, type Weight } from "../../weights/weights.js";

/** Everything but the bytes of the file. Multiply-accumulates are those of one run on `feeds`. */
export async function sizeOf(
  model: Model,
  feeds: Feeds,
  services: EngineServices,
): Promise<Omit<StudySize, "bytes" | "gzip">> {
  const prepared = await prepare(model);
  const { values } = await observe(prepared, { feeds }, services);
  const { macs, byNode } = workOf(prepared, values);
  const dense = await densities(prepared, services.signal);
  let effectiveMacs = 0;
  for (const [node, cost] of byNode) effectiveMacs += cost * (dense.get(node) ?? 1);
  return {
    parameters: parameterCount(model),
    nonZero: await nonZeroCount(model, services.signal),
    macs,
    // Each weight element is multiplied equally often, so this is whole but for rounding.
    effectiveMacs: Math.round(effectiveMacs),
  };
}

/** Share of the weight elements of each node that are not zero; nodes whose weights are computed are not in it. */
async function densities(model: Model, signal: AbortSignal | undefined): Promise<ReadonlyMap<Node, number>> {
  const counts = new Map<Node, { elements: number; nonZero: number }>();
  for (const weight of collectWeights(model)) {
    const users = matrixUses(weight).filter(({ use }) => use.role !== "table");
    if (users.length === 0) continue;
    signal?.throwIfAborted();
    const nonZero = await nonZeroOf(weight);
    for (const { node } of users) {
      const before = counts.get(node) ?? { elements: 0, nonZero: 0 };
      counts.set(node, { elements: before.elements + weight.elements, nonZero: before.nonZero + nonZero });
    }
  }
  return new Map([...counts].map(([node, { elements, nonZero }]) => [node, elements === 0 ? 1 : nonZero / elements]));
}

/** By the bits: -0 is zero too, NaN is not. */
async function nonZeroOf({ tensor, elements }: Weight): Promise<number> {
  const read = await tensor.data.read();
  const bytes = read.byteOffset % 4 === 0 ? read : read.slice();
  const half = tensor.dtype === "float16";
  const words = half
    ? new Uint16Array(bytes.buffer, bytes.byteOffset, elements)
    : new Uint32Array(bytes.buffer, bytes.byteOffset, elements);
  const magnitude = half ? 0x7fff : 0x7fffffff;
  let count = 0;
  for (let at = 0; at < words.length; at++) if ((words[at]! & magnitude) !== 0) count++;
  return count;
}
