// com.microsoft FusedConv: a convolution, an added value and an activation in one node.

import { stringOf } from "../../ir/attributes.js";
import { activate, attributesWithout } from "./fused-activation.js";
import { defineLowering } from "./lowering.js";

export const fusedConv = defineLowering({
  name: "fused-conv",
  summary: "FusedConv as Conv, Add and an activation",
  operators: ["com.microsoft:FusedConv"],
  lower(site) {
    const { node, emit, input } = site;
    const own = attributesWithout(node, ["activation", "activation_params"]);
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
