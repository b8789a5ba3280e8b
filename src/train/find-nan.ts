// Where a NaN or infinity came from: the step runs again with all its values as outputs, on the same inputs and state.

import { capture } from "../engine/capture.js";
import { asNumbers } from "../engine/feeds.js";
import type { SessionOptions } from "../engine/runtime.js";
import type { EngineServices } from "../engine/session.js";
import { label, type Node } from "../ir/model.js";
import type { Feeds, Value } from "../tensor/value.js";
import type { StepGraph } from "./step.js";

export interface NanOrigin {
  /** Label of the node, or name of the input. */
  readonly node: string;
  readonly operator?: string;
  /** "NaN" or "infinity". */
  readonly what: string;
  /** How many of how many numbers. */
  readonly count: number;
  readonly of: number;
  readonly where: "input" | "forward pass" | "backward pass or update";
}

/**
 * The first node, in order, that makes NaN or infinity of finite inputs; else the first with any; undefined when the values
 * that are seen are all finite (a fused kernel overflowed inside). `feeds` hold state and scalars too. The engine runs in
 * this thread.
 */
export async function findNan(
  step: StepGraph,
  feeds: Feeds,
  services: EngineServices,
  session: SessionOptions = {},
): Promise<NanOrigin | undefined> {
  for (const [name, value] of Object.entries(feeds)) {
    const bad = nonFinite(value);
    if (bad) return { node: name, where: "input", ...bad };
  }
  const { nodes } = step.model.graph;
  const names = nodes.flatMap(({ outputs }) => outputs.filter((name) => name !== ""));
  const found = new Map<string, Bad>();
  const once = {
    async *[Symbol.asyncIterator]() {
      yield feeds;
    },
  };
  for await (const values of capture(step.model, names, once, services, session)) {
    for (const [name, value] of Object.entries(values)) {
      const bad = nonFinite(value);
      if (bad) found.set(name, bad);
    }
  }
  const bad = (node: Node) => node.outputs.find((name) => found.has(name));
  // Constants of minus infinity (attention masks) pass through on purpose: what reads them made nothing.
  const constants = new Set(await badConstants(step));
  const clean = (node: Node) => node.inputs.every((name) => !found.has(name) && !constants.has(name));
  const culprit = nodes.find((node) => bad(node) && clean(node)) ?? nodes.find(bad);
  if (culprit === undefined) return undefined;
  const forward = new Set(step.evaluation.graph.nodes.flatMap(({ outputs }) => outputs));
  return {
    node: label(culprit),
    operator: culprit.opType,
    where: forward.has(bad(culprit)!) ? "forward pass" : "backward pass or update",
    ...found.get(bad(culprit)!)!,
  };
}

async function badConstants({ model }: StepGraph): Promise<string[]> {
  const names: string[] = [];
  for (const [name, value] of model.graph.initializers) {
    if (value.sparse || value.dtype !== "float32") continue;
    const bytes = (await value.data.read()).slice();
    if (nonFinite({ dtype: "float32", dims: value.dims, data: new Float32Array(bytes.buffer) })) names.push(name);
  }
  return names;
}

type Bad = Pick<NanOrigin, "what" | "count" | "of">;

function nonFinite(value: Value): Bad | undefined {
  if (!/^float/.test(value.dtype)) return undefined;
  const numbers = asNumbers(value);
  let [count, nans] = [0, 0];
  for (let i = 0; i < numbers.length; i++) {
    const number = numbers[i]!;
    if (Number.isFinite(number)) continue;
    count++;
    if (Number.isNaN(number)) nans++;
  }
  return count === 0 ? undefined : { what: nans > 0 ? "NaN" : "infinity", count, of: numbers.length };
}
