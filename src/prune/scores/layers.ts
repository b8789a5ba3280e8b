// The weights that are scored: their numbers, one weight at a time, and which of their axes mean what.

import { invalid } from "../../base/errors.js";
import { intOf } from "../../ir/attributes.js";
import type { Model } from "../../ir/model.js";
import { floats as floatsIn } from "../../kernels/numbers.js";
import { elementCount } from "../../tensor/dtype.js";
import { drawAt, random } from "../../tensor/random.js";
import type { Tensor } from "../../tensor/tensor.js";
import { ownAxis, viewDims } from "../../weights/views.js";
import { axisOf, channelAxis, collectWeights, matrixUses, type Weight } from "../../weights/weights.js";
import type { ScoredWeight } from "./score.js";

type MatrixUse = ReturnType<typeof matrixUses>[number];

/** A weight before it is read. */
export interface Layer extends Omit<ScoredWeight, "values" | "random"> {
  readonly weight: Weight;
}

/** The float weights of a model by name; where a name stands in several graphs, the outermost. */
export function layersOf(model: Model): ReadonlyMap<string, Layer> {
  const layers = new Map<string, Layer>();
  for (const weight of collectWeights(model)) {
    if (!layers.has(weight.name)) layers.set(weight.name, layerOf(weight));
  }
  return layers;
}

function layerOf(weight: Weight): Layer {
  const { name } = weight;
  const { dims } = weight.tensor;
  const outputAxis = channelAxis(weight) ?? 0;
  const [first] = matrixUses(weight);
  const reductionAxis = first && summedAxis(first, dims);
  const groups = first?.node.opType === "Conv" && first.input === 1 ? intOf(first.node, "group", 1) : 1;
  return { weight, name, dims, reductionAxis, outputAxis, parts: groups };
}

/** The axis of the weight that its user sums along; undefined where that is none, or part of one. */
function summedAxis({ use, view, path, node }: MatrixUse, dims: readonly number[]): number | undefined {
  if (use.reductionAxis === undefined) return undefined;
  const seen = viewDims(view);
  const axis = axisOf(use.reductionAxis, seen);
  if (path.length === 0) return axis;
  // Parts with inputs of their own are counted along the output axis, which is then not the weight's.
  if (intOf(node, "group", 1) > 1) return undefined;
  const own = ownAxis(view, axis, dims);
  // Where one input is all there is, any axis of one position is as good.
  return own === undefined && seen[axis] === 1 && dims.includes(1) ? dims.indexOf(1) : own;
}

/** The numbers of a dense float32 or float16 tensor, not to be changed. Throws `invalid("weight-not-finite")` for NaN and infinities. */
export async function floats(name: string, tensor: Tensor): Promise<Float32Array> {
  const values = floatsIn(await tensor.data.read(), tensor.dtype as "float32" | "float16");
  const odd = values.findIndex((value) => !Number.isFinite(value));
  if (odd < 0) return values;
  throw invalid("weight-not-finite", `The weight "${name}" holds numbers that are not finite: it has no scores.`, {
    node: name,
    found: `${values[odd]} at element ${odd} of ${elementCount(tensor.dims)}`,
    hint: "Leave it as it is (keep).",
  });
}

/** Draws of its own for each name: the same whatever else is drawn, and in whatever order. */
export function drawsOf(seed: number, name: string): () => number {
  let hash = 0x811c9dc5; // FNV-1a
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193) >>> 0;
  const own = random(Math.floor(drawAt(seed, hash) * 2 ** 32));
  return () => own.next();
}
