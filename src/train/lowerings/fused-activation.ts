// What ONNX Runtime's optimizer fuses into one node: an activation behind a convolution or product.

import type { AttributeInput } from "../../ir/attributes.js";
import type { Node } from "../../ir/model.js";
import { refused } from "./attend.js";
import type { LoweringSite } from "./lowering.js";

export function attributesWithout(node: Node, without: readonly string[]): Record<string, AttributeInput> {
  return Object.fromEntries([...node.attributes].filter(([name]) => !without.includes(name)));
}

/** An activation by name with its parameters, as ONNX Runtime's fusion writes them. */
export function activate({ node, emit }: LoweringSite, x: string, name: string, parameters: readonly number[]): string {
  const number = (at: number, otherwise: number) => ({ type: "float" as const, value: parameters[at] ?? otherwise });
  switch (name) {
    case "":
      return x;
    case "Relu":
    case "Tanh":
    case "Sigmoid":
      return emit.op(name, [x]);
    case "LeakyRelu":
      return emit.op(name, [x], { attributes: { alpha: number(0, 0.01) } });
    case "HardSigmoid":
      return emit.op(name, [x], { attributes: { alpha: number(0, 0.2), beta: number(1, 0.5) } });
    case "Clip":
      return emit.op(name, [x, emit.like(parameters[0]!, x), emit.like(parameters[1]!, x)]);
    default:
      throw refused(node, `the activation ${name}`);
  }
}
