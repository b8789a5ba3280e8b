// GatherBlockQuantized: tables that stay packed; only the rows that are asked for are decoded.

import { isBlocks, planBlocks, usesProduct } from "./blocks.js";
import { defineNativeForm } from "./form.js";

export const gatherBlockQuantized = defineNativeForm({
  name: "GatherBlockQuantized",
  summary: "Lookups in a table of rows in blocks of 2, 4 or 8-bit integers",
  reference:
    "https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#commicrosoftgatherblockquantized",
  serves: isBlocks,
  reads: "weights 2, 4 or 8-bit integers in blocks, of Gather along axis 0",
  // WebGPU takes 4 and 8 bits alone.
  slow: ({ format }, target) =>
    target.fast.gatherBlockQuantized && (format.bits !== 2 || target.timedOn.includes("native"))
      ? undefined
      : { row: "gatherBlockQuantized" },
  plan(weight, settings, target) {
    const planned = planBlocks(weight, settings, target);
    if ("obstacle" in planned || !usesProduct(weight)) return planned;
    return { obstacle: "a product uses it too" };
  },
});
