// dx = y (dy - sum(y dy)) along the axis; of the logarithm, dx = dy - exp(y) sum(dy).

import { intOf } from "../../ir/attributes.js";
import { defineGradient } from "./rule.js";

export const softmax = defineGradient({
  name: "softmax",
  summary: "Softmax, LogSoftmax along an axis",
  operators: ["Softmax", "LogSoftmax"],
  backward({ node, emit, output, gradient }) {
    const [dy, y] = [gradient(0)!, output(0)];
    const axis = intOf(node, "axis", -1);
    if (node.opType === "LogSoftmax") {
      return [emit.sub(dy, emit.mul(emit.exp(y), emit.reduceSum(dy, [axis])))];
    }
    return [emit.mul(y, emit.sub(dy, emit.reduceSum(emit.mul(y, dy), [axis])))];
  },
});
