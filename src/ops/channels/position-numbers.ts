// Operators whose result is, or depends on, the number of a position: nothing of what they read or give can go.

import { keepAll } from "./passing.js";
import { defineChannelRule } from "./rule.js";

const REASONS = {
  Compress: "Compress picks positions by a condition",
  EyeLike: "the numbers of EyeLike depend on both positions",
  NonMaxSuppression: "NonMaxSuppression gives the numbers of boxes",
  NonZero: "NonZero gives the numbers of positions",
  OneHot: "the positions of OneHot are classes",
  Range: "Range counts positions",
  Unique: "Unique compares all elements",
} as const;

export const positionNumbers = defineChannelRule({
  name: "position-numbers",
  summary: "NonZero, Range, Unique and their kind: nothing passes",
  reference: "https://onnx.ai/onnx/operators/",
  operators: Object.keys(REASONS),
  flow: (flow) => keepAll(flow, REASONS[flow.node.opType as keyof typeof REASONS]),
});
