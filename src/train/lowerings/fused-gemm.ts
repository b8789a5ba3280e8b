// com.microsoft FusedGemm: a product and an activation in one node.

import { floatOf, stringOf } from "../../ir/attributes.js";
import { activate, attributesWithout } from "./fused-activation.js";
import { defineLowering } from "./lowering.js";

export const fusedGemm = defineLowering({
  name: "fused-gemm",
  summary: "FusedGemm as Gemm and an activation",
  operators: ["com.microsoft:FusedGemm"],
  lower(site) {
    const { node, emit } = site;
    const names = ["activation", "activation_alpha", "activation_beta", "activation_gamma"];
    const result = emit.op("Gemm", node.inputs, { dims: site.dims(0), attributes: attributesWithout(node, names) });
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
