// Between float types the gradient is cast back. What becomes an integer or a bool has none.

import { intOf } from "../../ir/attributes.js";
import { DTYPES, type DType } from "../../tensor/dtype.js";
import { defineGradient } from "./rule.js";

const isFloat = (dtype: DType) => dtype.startsWith("float") || dtype.startsWith("bfloat");
const floatCodes = new Set(
  Object.entries(DTYPES).flatMap(([dtype, { code }]) => (isFloat(dtype as DType) ? [code as number] : [])),
);

export const cast = defineGradient({
  name: "cast",
  summary: "Cast, CastLike between float types; integers stop the gradient",
  operators: ["Cast", "CastLike"],
  differentiable: (input, node) => input === 0 && (node.opType === "CastLike" || floatCodes.has(intOf(node, "to", 0))),
  backward({ emit, input, output, gradient }) {
    const [from, to] = [emit.dtype(input(0)), emit.dtype(output(0))];
    return [isFloat(from) && isFloat(to) ? emit.cast(gradient(0)!, from) : undefined];
  },
});
