// float16 nodes where nothing computes in float16.

import { defineTrap } from "./trap.js";

/** They move numbers and compute nothing: float16 costs them nothing. */
const MOVERS = new Set(
  "Cast CastLike Concat Expand Flatten Gather GatherElements GatherND Identity Pad Reshape Shape Size Slice Split Squeeze Tile Transpose Unsqueeze Where Constant ConstantOfShape If Loop Scan QuantizeLinear DequantizeLinear".split(
    " ",
  ),
);

export const halfArithmetic = defineTrap({
  name: "half-arithmetic",
  summary: "float16 nodes where nothing computes in float16",
  reference: "https://onnxruntime.ai/docs/performance/model-optimizations/float16.html",
  find({ view, target, casts }) {
    const { node, dtype } = view;
    const half = [...node.inputs, ...node.outputs].some((name) => dtype(name) === "float16");
    if (!half || (MOVERS.has(node.opType) && !casts) || (target.fast.float16 && !casts)) return undefined;
    const weights = node.inputs.every((name) => name === "" || view.constant(name) !== undefined);
    // Constants are decoded once, when the model is loaded.
    if (weights) return undefined;
    return {
      reason: casts
        ? `it has no float16 kernel there, and runs in float32 between casts${target.fast.float16 ? "" : `: ${target.why.float16}`}`
        : target.why.float16,
      change:
        "start from the float32 model, with weights stored in float16: pare quantize <float model> --weights float16 --compute stored",
    };
  },
});
