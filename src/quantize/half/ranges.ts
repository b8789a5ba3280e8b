// What float16 cannot hold: values of the running model, found by adding the largest magnitude of each as an output, and
// weights, counted by the kernel that converts them.

import { openSession } from "../../engine/session.js";
import type { Model, Node } from "../../ir/model.js";
import { castFloat16, statistics } from "../../kernels/slabs.js";
import type { StepContext } from "../../step/step.js";
import { float32, int64 } from "../../tensor/tensor.js";
import type { Weight } from "../../weights/weights.js";
import { makeNode } from "../rewrite.js";

/** Values above this are kept: half of the range is left for inputs that were not seen. */
export const LARGEST_VALUE = 65504 / 2;

/**
 * The largest finite magnitude of each named value of the top-level graph over some samples of the context's data.
 * The values stay in the runtime: what comes back is one number each.
 */
export async function largestValues(
  model: Model,
  names: readonly string[],
  context: StepContext,
  samples: number,
): Promise<ReadonlyMap<string, number>> {
  const largest = new Map<string, number>();
  if (names.length === 0) return largest;
  const session = await openSession(withMagnitudes(model, names), context, {});
  try {
    const wanted = names.map((_, at) => output(at));
    for await (const sample of context.data.samples({
      limit: samples,
      ...(context.signal && { signal: context.signal }),
    })) {
      const results = await session.run(sample.feeds, wanted);
      for (const [at, name] of names.entries()) {
        const value = Number((results[output(at)]?.data as Float32Array | undefined)?.[0] ?? 0);
        largest.set(name, Math.max(largest.get(name) ?? 0, value));
      }
    }
  } finally {
    await session.release();
  }
  return largest;
}

const output = (at: number) => `pare_magnitude_${at}`;

/** Each value through Abs, infinities (masks) set to 0, flattened with a 0 so that none is empty, and reduced. */
function withMagnitudes(model: Model, names: readonly string[]): Model {
  // Where came with opset 9; before it infinities count, and what is infinite is kept in float32.
  const where = (model.opsets.get("") ?? 1) >= 9;
  const constants = { flat: "pare_flat", zero: "pare_zero", limit: "pare_limit" };
  const nodes: Node[] = names.flatMap((name, at) => {
    const step = (suffix: string) => `pare_${suffix}_${at}`;
    return [
      makeNode("Reshape", [name, constants.flat], [step("flat")]),
      makeNode("Abs", [step("flat")], [step("abs")]),
      ...(where
        ? [
            makeNode("Less", [step("abs"), constants.limit], [step("finite")]),
            makeNode("Where", [step("finite"), step("abs"), constants.zero], [step("kept")]),
          ]
        : []),
      makeNode("Concat", [step(where ? "kept" : "abs"), constants.zero], [step("some")], { axis: 0 }),
      makeNode("ReduceMax", [step("some")], [output(at)], { keepdims: 0 }),
    ];
  });
  const { graph } = model;
  const initializers = new Map([
    ...graph.initializers,
    [constants.flat, int64([1], [-1])] as const,
    [constants.zero, float32([1], [0])] as const,
    [constants.limit, float32([1], [Number.POSITIVE_INFINITY])] as const,
  ]);
  const outputs = names.map((_, at) => ({
    name: output(at),
    type: { kind: "tensor", dtype: "float32", shape: [] } as const,
  }));
  return {
    ...model,
    graph: { ...graph, nodes: [...graph.nodes, ...nodes], initializers, outputs: [...graph.outputs, ...outputs] },
  };
}

/** Why float16 does not hold a weight: it reaches beyond, or is small as a whole; undefined: it does. Reads the weight once. */
export async function outsideHalf(weight: Weight, context: StepContext): Promise<string | undefined> {
  const { dtype: from, dims, data } = weight.tensor;
  const { min, max } = await statistics(await context.kernels(), data, { from, dims }, { signal: context.signal });
  const largest = Math.max(-min[0]!, max[0]!);
  if (largest >= ROUNDS_TO_INFINITY) return `it reaches ${largest.toPrecision(4)}; float16 ends at 65504`;
  if (largest > 0 && largest < SUBNORMAL) {
    return `it reaches only ${largest.toPrecision(2)}, where float16 has few digits or none`;
  }
  return undefined;
}

/** Halfway between 65504 and what would be next: ties go to even, which is infinity here. */
const ROUNDS_TO_INFINITY = 65520;

/** Below it float16 has fewer than 11 significant bits; 2^-24 is its smallest number. */
export const SUBNORMAL = 2 ** -14;

export interface WeightRange {
  /** Finite values that float16 makes infinite. */
  readonly overflow: number;
  /** Values other than 0 that float16 makes 0. */
  readonly underflow: number;
  readonly maxAbs: number;
}

/** Reads a weight once and counts what float16 would lose. */
export async function weightRange(weight: Weight, context: StepContext): Promise<WeightRange> {
  let [overflow, underflow, maxAbs] = [0, 0, 0];
  for await (const part of castFloat16(await context.kernels(), weight.tensor.data, { signal: context.signal })) {
    overflow += part.overflow;
    underflow += part.underflow;
    maxAbs = Math.max(maxAbs, part.maxAbs);
  }
  return { overflow, underflow, maxAbs };
}
