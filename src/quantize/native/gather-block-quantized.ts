// GatherBlockQuantized: tables that stay packed; only the rows that are asked for are decoded.

import { isBlocks, planBlocks, usesProduct } from "./blocks.js";
import { defineNativeForm } from "./form.js";

export const gatherBlockQuantized = defineNativeForm({
  name: "GatherBlockQuantized",
  summary: "Lookups in a table of rows in blocks of 4 or 8-bit integers",
  reference:
    "https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#commicrosoftgatherblockquantized",
  serves: (settings) => isBlocks(settings) && settings.format.bits !== 2,
  reads: "weights 4 or 8-bit integers in blocks, of Gather along axis 0",
  slow: (_, target) => (target.fast.gatherBlockQuantized ? undefined : "gatherBlockQuantized"),
  plan(weight, settings, target) {
    const planned = planBlocks(weight, settings, target);
    if ("obstacle" in planned || !usesProduct(weight)) return planned;
    return { obstacle: "a product uses it too" };
  },
});
