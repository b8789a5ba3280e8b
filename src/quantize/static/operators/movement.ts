// Operators that only move or choose numbers: the runtime takes the pairs around them away and runs them on the codes.

import { stringOf } from "../../../ir/attributes.js";
import { defineStaticOperator } from "./operator.js";

export const movement = defineStaticOperator({
  name: "movement",
  summary: "Operators that move or choose numbers: they run on the codes, one scale before and after",
  reference:
    "https://github.com/microsoft/onnxruntime/tree/main/onnxruntime/core/optimizer/qdq_transformer/selectors_actions",
  operators: [
    "DepthToSpace",
    "Expand",
    "Flatten",
    "Gather",
    "GatherElements",
    "MaxPool",
    "ReduceMax",
    "ReduceMin",
    "Reshape",
    "Resize",
    "Slice",
    "Split",
    "Squeeze",
    "Tile",
    "Transpose",
    "Unsqueeze",
  ],
  use(node) {
    if (node.opType === "Resize" && stringOf(node, "mode", "nearest") !== "nearest") {
      return "it interpolates, for which there is no integer kernel that the runtime fuses";
    }
    if (node.opType === "MaxPool" && (node.outputs[1] ?? "") !== "") return "its indices are used";
    return { activations: [0], result: "integer", seed: false, moves: true, becomes: node.opType };
  },
});
