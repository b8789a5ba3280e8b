// GatherBlockQuantized where no kernel takes its bits.

import { intOf } from "../../ir/attributes.js";
import { defineTrap } from "./trap.js";

export const packedTable = defineTrap({
  name: "packed-table",
  summary: "GatherBlockQuantized at 2 bits on WebGPU, which takes 4 and 8",
  reference:
    "https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#commicrosoftgatherblockquantized",
  operators: ["com.microsoft:GatherBlockQuantized"],
  find({ view: { node }, target, provider }) {
    const bits = intOf(node, "bits", 4);
    if (provider !== "webgpu" || bits === 4 || bits === 8) return undefined;
    return {
      verdict: "will-not-run",
      reason: `bits is ${bits}, and WebGPU's kernel takes 4 and 8: the session fails`,
      change: `start from the float model: pare quantize <float model> --weights int${bits} --form extract --target ${target.name}`,
    };
  },
});
