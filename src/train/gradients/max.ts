// The gradient goes to the largest (Min: smallest) operand and is split evenly between equal ones, as PyTorch's maximum has it.
// Two infinite operands of one sign give no number.

import type { Emitter } from "../emitter.js";
import { step, truth } from "./indicator.js";
import { defineGradient } from "./rule.js";

export const max = defineGradient({
  name: "max",
  summary: "Max, Min, with broadcasting; equal operands share",
  operators: ["Max", "Min"],
  backward({ node, emit, output, gradient, needs }) {
    const dy = gradient(0)!;
    const operands = node.inputs;
    if (operands.length === 1) return [dy];
    if (operands.length === 2) {
      const [left, right] = node.opType === "Max" ? [operands[0]!, operands[1]!] : [operands[1]!, operands[0]!];
      const first = emit.mul(dy, step(emit, emit.sub(left, right), 0.5));
      return [needs(0) ? first : undefined, needs(1) ? emit.sub(dy, first) : undefined];
    }
    const chosen = operands.map((name) => truth(emit, emit.equal(name, output(0)), dy));
    const share = emit.div(dy, sum(emit, chosen));
    return chosen.map((mask, index) => (needs(index) ? emit.mul(share, mask) : undefined));
  },
});

const sum = (emit: Emitter, parts: readonly string[]) => parts.reduce((total, part) => emit.add(total, part));
