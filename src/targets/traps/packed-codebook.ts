// MatMulBnb4 (NF4, FP4) where it is slower than the float product.

import { defineTrap } from "./trap.js";

export const packedCodebook = defineTrap({
  name: "packed-codebook",
  summary: "MatMulBnb4 where it is slower than the float product",
  reference: "https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#commicrosoftmatmulbnb4",
  operators: ["com.microsoft:MatMulBnb4"],
  find: ({ target }) =>
    target.fast.matMulBnb4
      ? undefined
      : {
          reason: target.why.matMulBnb4,
          change: `start from the float model: pare quantize <float model> --weights nf4 --form extract --target ${target.name}`,
        },
});
