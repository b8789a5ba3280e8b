// What ONNX Runtime's optimizer fuses into one node: an activation behind a convolution or product.

import type { AttributeInput } from "../../ir/attributes.js";
import { floatOf, stringOf } from "../../ir/attributes.js";
import type { Node } from "../../ir/model.js";
import { refused } from "./attend.js";
import { defineLowering, type LoweringSite } from "./lowering.js";

export const fusedConv = defineLowering({
  name: "fused-conv",
  summary: "FusedConv as Conv, Add and an activation",
  operators: ["com.microsoft:FusedConv"],
  lower(site) {
    const { node, emit, input } = site;
    const own = attributesOf(node, ["activation", "activation_params"]);
    let result = emit.op("Conv", [input(0), input(1), ...(input(2) === "" ? [] : [input(2)])], {
      dims: site.dims(0),
      attributes: own,
    });
    if (input(3) !== "") result = emit.add(result, input(3));
    const given = node.attributes.get("activation_params");
    const parameters = given?.type === "floats" ? given.value : [];
    return [activate(site, result, stringOf(node, "activation", ""), parameters)];
  },
});

export const fusedGemm = defineLowering({
  name: "fused-gemm",
  summary: "FusedGemm as Gemm and an activation",
  operators: ["com.microsoft:FusedGemm"],
  lower(site) {
    const { node, emit } = site;
    const names = ["activation", "activation_alpha", "activation_beta", "activation_gamma"];
    const result = emit.op("Gemm", node.inputs, { dims: site.dims(0), attributes: attributesOf(node, names) });
    const parameters = [floatOf(node, "activation_alpha", Number.NaN), floatOf(node, "activation_beta", Number.NaN)];
    return [
      activate(
        site,
        result,
        stringOf(node, "activation", ""),
        parameters.filter((one) => !Number.isNaN(one)),
      ),
    ];
  },
});

function attributesOf(node: Node, without: readonly string[]): Record<string, AttributeInput> {
  return Object.fromEntries([...node.attributes].filter(([name]) => !without.includes(name)));
}

/** An activation by name with its parameters, as ONNX Runtime's fusion writes them. */
function activate({ node, emit }: LoweringSite, x: string, name: string, parameters: readonly number[]): string {
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
