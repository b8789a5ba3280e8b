// MatMulNBits: products whose weights stay in 2, 4 or 8 bits at run time.

import { isBlocks, planBlocks, usesProduct, usesTable } from "./blocks.js";
import { defineNativeForm } from "./form.js";
import { rowsOf } from "./rows.js";

export const matMulNBits = defineNativeForm({
  name: "MatMulNBits",
  summary: "Products with weights in blocks of 2, 4 or 8-bit integers, also of a table that is tied to one",
  reference: "https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#commicrosoftmatmulnbits",
  serves: isBlocks,
  reads: "weights 2, 4 or 8-bit integers in blocks, of MatMul and Gemm",
  slow({ format }, { fast }, use) {
    const row = fast.matMulNBits.find(({ bits }) => bits === format.bits);
    if (row === undefined) return { row: "matMulNBits" };
    if (use === undefined) return undefined;
    if (usesTable(use.weight) && !fast.gatherBlockQuantized) return { row: "gatherBlockQuantized" };
    const rows = row.rows === "any" ? "few" : rowsOf(use.weight, use.model);
    return rows === "few" ? undefined : { row: "matMulNBits", rows };
  },
  plan(weight, settings, target) {
    const planned = planBlocks(weight, settings, target);
    if ("obstacle" in planned || usesProduct(weight)) return planned;
    return { obstacle: "no product uses it" };
  },
});
