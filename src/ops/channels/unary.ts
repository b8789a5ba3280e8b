// Operators that map every element by itself: activation functions, Cast, Clip, Dropout.

import { type ChannelNode, defineChannelRule, type Rest } from "./rule.js";

/** f(0) = 0, whatever the attributes. */
const ZERO_TO_ZERO = [
  ..."Abs Asin Asinh Atan Atanh Ceil Celu Elu Erf Floor Gelu HardSwish Identity LeakyRelu Mish Neg Relu Round".split(
    " ",
  ),
  ..."Selu Sign Sin Sinh Softsign Sqrt Swish Tan Tanh ThresholdedRelu Cast Dropout".split(" "),
  ..."com.microsoft:Gelu com.microsoft:QuickGelu com.microsoft:FastGelu".split(" "),
];
const OTHERS = [
  ..."Acos Acosh BitwiseNot CastLike Clip Cos Cosh Exp HardSigmoid IsInf IsNaN Log Not Reciprocal Shrink Sigmoid".split(
    " ",
  ),
  "Softplus",
];
const zeroToZero = new Set(ZERO_TO_ZERO);

export const unary = defineChannelRule({
  name: "unary",
  summary: "Maps every element by itself",
  reference: "https://onnx.ai/onnx/operators/",
  operators: [...ZERO_TO_ZERO, ...OTHERS],
  flow(flow) {
    const [from] = flow.node.inputs;
    for (const to of flow.node.outputs) {
      if (to === "") continue;
      for (const axis of flow.dims(from!).keys()) flow.tie({ value: from!, axis }, { value: to, axis });
    }
    // A bias that the fused form adds first.
    const bias = flow.node.inputs[1];
    if (flow.node.opType === "FastGelu" && bias) {
      flow.tie({ value: bias, axis: 0 }, { value: from!, axis: flow.dims(from!).length - 1 });
    }
  },
  async rests(rests) {
    const [from] = rests.node.inputs;
    const key = rests.node.domain === "" ? rests.node.opType : `${rests.node.domain}:${rests.node.opType}`;
    // Quantized numbers stand for 0 by their zero point, which a plain cast does not know.
    if (rests.node.opType === "Cast" && rests.dtype(from!).includes("int8")) return;
    const others = rests.node.inputs.slice(1).map((value) => scalarOf(rests, value));
    for (const axis of rests.dims(from!).keys()) {
      const rest = rests.rest({ value: from!, axis });
      const left = rest === 0 && zeroToZero.has(key) ? 0 : await known(rests.run, [rest, ...others]);
      for (const value of rests.node.outputs) if (value !== "") rests.leaves({ value, axis }, left);
    }
  },
});

const known = async (run: (inputs: readonly Rest[]) => Promise<Rest>, inputs: readonly (Rest | "none")[]) =>
  inputs.every((input) => input !== undefined)
    ? run(inputs.map((input) => (input === "none" ? undefined : input)))
    : undefined;

/** The number that a scalar constant is; "none" where the input is left out. */
function scalarOf(node: ChannelNode, value: string): Rest | "none" {
  if (value === "") return "none";
  const numbers = node.numbers(value);
  return numbers?.length === 1 ? numbers[0] : undefined;
}
