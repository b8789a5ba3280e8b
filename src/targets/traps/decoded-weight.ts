// DequantizeLinear of a constant weight that no fused kernel takes: it is decoded whole at every run.

import { intOf } from "../../ir/attributes.js";
import type { NodeView } from "../node-view.js";
import { defineTrap, elementsOf, onCpu, SMALL } from "./trap.js";

export const decodedWeight = defineTrap({
  name: "decoded-weight",
  summary: "DequantizeLinear of a weight, decoded whole at every run",
  reference: "https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html",
  operators: ["DequantizeLinear", "com.microsoft:DequantizeLinear"],
  find({ view, target, provider }) {
    const weight = view.constant(view.node.inputs[0] ?? "");
    if (weight === undefined || elementsOf(weight.dims) < SMALL) return undefined;
    if (target.fast.dequantizeLinear.includes(weight.dtype)) return undefined;
    if (target.fast.staticInt8.length > 0 && onCpu(provider) && view.users.some(quantizedOnBothSides)) return undefined;
    if (becomesPacked(view) && provider !== "wasm" && target.fast.matMulNBits.length > 0 && provider !== "webgpu") {
      return undefined;
    }
    const extract = `start from the float model: pare quantize <float model> --weights ${wide(weight.dtype)} --form extract --target ${target.name}`;
    if (view.users.some(({ node }) => node.opType === "Gather")) {
      return {
        reason: "a Gather over a DequantizeLinear decodes the whole table at every run, whatever rows are asked for",
        change: target.fast.gatherBlockQuantized ? extract.replace("--form extract", "--form native") : extract,
      };
    }
    return { reason: target.why.dequantizeLinear, change: extract };
  },
});

/** Whether another input of the node is quantized too: the runtime then fuses the pair into an integer kernel. */
function quantizedOnBothSides({ node, producer, constant }: NodeView): boolean {
  return node.inputs.some((name) => {
    const maker = producer(name);
    if (maker?.node.opType !== "DequantizeLinear") return false;
    return (
      constant(maker.node.inputs[0] ?? "") === undefined && maker.constant(maker.node.inputs[0] ?? "") === undefined
    );
  });
}

/** 4-bit weights in blocks before a MatMul: the runtime makes MatMulNBits of the two. */
const becomesPacked = (view: NodeView): boolean =>
  /^u?int4$/.test(view.constant(view.node.inputs[0] ?? "")?.dtype ?? "") &&
  intOf(view.node, "block_size", 0) >= 16 &&
  view.users.length === 1 &&
  view.users.every(({ node }) => node.opType === "MatMul");

const wide = (dtype: string) => (/^u?int[48]$/.test(dtype) ? dtype : "int8");
