// Linear between two bounds: the slope strictly within, 0 at and beyond them, as PyTorch has it. HardSwish is x times such a ramp.

import { float, floatOf } from "../../ir/attributes.js";
import type { Emitter } from "../emitter.js";
import { from, step } from "./indicator.js";
import { defineGradient } from "./rule.js";

export const hardSigmoid = defineGradient({
  name: "hard-sigmoid",
  summary: "HardSigmoid, HardSwish; at the bounds what lies beyond them",
  operators: ["HardSigmoid", "HardSwish"],
  backward({ node, emit, input, output, gradient }) {
    const dy = gradient(0)!;
    if (node.opType === "HardSigmoid") {
      return [emit.mul(emit.scale(dy, floatOf(node, "alpha", 0.2)), within(emit, output(0)))];
    }
    const x = input(0);
    const ramp = emit.op("HardSigmoid", [x], { attributes: { alpha: float(1 / 6), beta: float(0.5) } });
    const slope = emit.mul(emit.scale(x, 1 / 6), within(emit, ramp));
    return [emit.mul(dy, emit.add(ramp, slope))];
  },
});

/** 1 where 0 < x < 1, for x from 0 to 1. */
const within = (emit: Emitter, x: string) => step(emit, emit.mul(x, from(emit, 1, x)));
