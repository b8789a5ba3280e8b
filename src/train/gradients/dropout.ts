// Identity, and Dropout: at inference it is one; in training what was kept is scaled, by the mask that the node gives out.

import { unsupported } from "../../base/errors.js";
import { label } from "../../ir/model.js";
import { truth } from "./indicator.js";
import { defineGradient } from "./rule.js";

export const dropout = defineGradient({
  name: "dropout",
  summary: "Identity, Dropout (training: by its mask output)",
  operators: ["Identity", "Dropout"],
  differentiable: (input) => input === 0,
  backward({ node, emit, input, output, gradient }) {
    const dy = gradient(0)!;
    const training = input(2) === "" ? 0 : emit.constant(input(2))?.[0];
    const ratio = input(1) === "" ? 0.5 : emit.constant(input(1))?.[0];
    if (node.opType === "Identity" || training === 0 || ratio === 0) return [dy];
    if (training === undefined || ratio === undefined || output(1) === "") {
      throw unsupported("gradient-dropout", `${label(node)} (Dropout) does not tell what it drops.`, {
        node: label(node),
        expected: "constant ratio and training_mode, and the mask as an output",
      });
    }
    return [emit.mul(emit.scale(dy, 1 / (1 - ratio)), truth(emit, output(1), dy))];
  },
});
