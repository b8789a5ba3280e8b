// Operators over packed low-bit weights: the weight is not a tensor of numbers any more, the cost is that of the product.

import { intOf } from "../ir/attributes.js";
import { defineOperator, dimsOf, product } from "./operator.js";

export const packed = defineOperator({
  name: "packed",
  summary: "MatMulNBits and MatMulBnb4: products with packed weights",
  reference: "https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#commicrosoftmatmulnbits",
  operators: ["com.microsoft:MatMulNBits", "com.microsoft:MatMulBnb4"],
  macs(node, shapes) {
    const input = dimsOf(node.inputs[0], shapes);
    return input ? product(input) * intOf(node, "N", 0) : undefined;
  },
});

export const packedTable = defineOperator({
  name: "packed-table",
  summary: "GatherBlockQuantized: rows of a packed table",
  reference:
    "https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#commicrosoftgatherblockquantized",
  operators: ["com.microsoft:GatherBlockQuantized"],
  macs: () => 0,
});
