// The scale of the least error where it matters: of the inputs that are large.

import { defineRange } from "./range.js";

export const importance = defineRange({
  name: "importance",
  summary:
    "The scale and zero point of the least squared error, each weight times the mean square of its input on the data",
  reference: "https://github.com/ggml-org/llama.cpp/pull/4861",
  kernel: ({ rangeSteps }) => ({ kind: "mse", steps: rangeSteps }),
  fitted: "importance",
});
