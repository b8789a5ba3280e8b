// MatMulNBits: products whose weights stay in 2, 4 or 8 bits at run time.

import { isBlocks, planBlocks, usesProduct, usesTable } from "./blocks.js";
import { defineNativeForm } from "./form.js";

export const matMulNBits = defineNativeForm({
  name: "MatMulNBits",
  summary: "Products with weights in blocks of 2, 4 or 8-bit integers, also of a table that is tied to one",
  reference: "https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#commicrosoftmatmulnbits",
  serves: isBlocks,
  reads: "weights 2, 4 or 8-bit integers in blocks, of MatMul and Gemm",
  slow({ format }, target, weight) {
    if (!target.fast.matMulNBits.some(({ bits }) => bits === format.bits)) return "matMulNBits";
    return weight && usesTable(weight) && !target.fast.gatherBlockQuantized ? "gatherBlockQuantized" : undefined;
  },
  plan(weight, settings, target) {
    const planned = planBlocks(weight, settings, target);
    if ("obstacle" in planned || usesProduct(weight)) return planned;
    return { obstacle: "no product uses it" };
  },
});
