// Operators of several inputs that are broadcast to one shape: arithmetic, comparisons, Where, PRelu.

import { type Axis, defineChannelRule, type Rest, type Rests } from "./rule.js";

/** Their constants along the channels make channels, as a bias or a scale does: masking sets them to zero. */
const MASKED = new Set(["Add", "Sub", "Mul", "Sum", "BiasGelu"]);
/** 0 for inputs that are all 0. */
const ZERO_OF_ZEROS = new Set(["Add", "Sub", "Sum", "Mean", "Max", "Min", "PRelu", "BiasGelu"]);

export const binary = defineChannelRule({
  name: "binary",
  summary: "Combines elements of several inputs, broadcast to one shape",
  reference: "https://onnx.ai/onnx/repo-docs/Broadcasting.html",
  operators: [
    ..."Add And BitShift BitwiseAnd BitwiseOr BitwiseXor Div Equal Greater GreaterOrEqual Less LessOrEqual Max".split(
      " ",
    ),
    ..."Mean Min Mod Mul Or Pow PRelu Sub Sum Where Xor com.microsoft:BiasGelu".split(" "),
  ],
  flow(flow) {
    const output = flow.node.outputs[0]!;
    const rank = flow.dims(output).length;
    for (const value of new Set(flow.node.inputs)) {
      const dims = flow.dims(value);
      for (const [axis, length] of dims.entries()) {
        const to = { value: output, axis: axis + rank - dims.length };
        if (length === flow.dims(output)[to.axis]) flow.tie({ value, axis }, to);
        else flow.free({ value, axis });
      }
    }
    // An output axis that every input has only by broadcasting is of length 1, or empty.
    for (let axis = 0; axis < rank; axis++) flow.free({ value: output, axis });
  },
  async rests(rests) {
    const output = rests.node.outputs[0]!;
    for (const axis of rests.dims(output).keys()) {
      const to = { value: output, axis };
      if (rests.dims(output)[axis]! < 2) continue;
      rests.leaves(to, await left(rests, to));
    }
  },
});

async function left(rests: Rests, output: Axis): Promise<Rest> {
  const { opType } = rests.node;
  const sources = rests.node.inputs.map((value) => source(rests, value, output));
  const held = sources.map(({ rest }) => rest);
  if (opType === "Mul" && held.includes(0)) return 0;
  if (opType === "Where") return held[1] === held[2] ? held[1] : undefined;
  // A slope multiplies what is 0; a divisor without the channels, or that stays as it is, divides it.
  if (opType === "PRelu" && held[0] === 0) return 0;
  if (opType === "Div" && held[0] === 0 && !sources[1]!.masked) return 0;
  if (held.includes(undefined)) return undefined;
  if (held.every((rest) => rest === 0) && ZERO_OF_ZEROS.has(opType)) return 0;
  return rests.run(held);
}

/** What an input holds where a channel of the output is masked, and whether it has that channel and is masked too. */
function source(rests: Rests, value: string, output: Axis): { rest: Rest; masked: boolean } {
  const dims = rests.dims(value);
  const axis = output.axis - rests.dims(output.value).length + dims.length;
  if (axis < 0 || dims[axis] === 1) {
    const numbers = rests.numbers(value);
    return { rest: numbers?.length === 1 ? numbers[0] : undefined, masked: false };
  }
  if (!rests.isFixed(value)) return { rest: rests.rest({ value, axis }), masked: true };
  const masked = MASKED.has(rests.node.opType);
  return { rest: masked ? 0 : undefined, masked };
}
