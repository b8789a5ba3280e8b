// Pad: what was copied into the border is added to what it was copied from; a constant border has no gradient, and what
// negative pads cut away gets zeros.

import { unsupported } from "../../base/errors.js";
import { stringOf } from "../../ir/attributes.js";
import { label } from "../../ir/model.js";
import { constantInput } from "./constant-input.js";
import { defineGradient } from "./rule.js";
import { gradientOfSources } from "./sources.js";

/** Position `at` of the axis, which may lie outside, to the one within 0 .. size - 1 that is read. */
const MODES: Readonly<Record<string, (at: number, size: number) => number>> = {
  edge: (at, size) => Math.min(Math.max(at, 0), size - 1),
  wrap: (at, size) => ((at % size) + size) % size,
  reflect(at, size) {
    if (size === 1) return 0;
    const period = 2 * (size - 1);
    const within = ((at % period) + period) % period;
    return Math.min(within, period - within);
  },
};

export const pad = defineGradient({
  name: "pad",
  summary: "Pad: constant, reflect, edge, wrap; negative pads; the border's constant gets no gradient",
  reference: "https://onnx.ai/onnx/operators/onnx__Pad.html",
  operators: ["Pad"],
  differentiable: (input) => input === 0,
  backward(site) {
    const { node, emit, input } = site;
    const dims = emit.dims(input(0));
    const given = constantInput(site, 1, "pads")!;
    const axes = (constantInput(site, 3, "axes") ?? [...dims.keys()]).map((axis) => (axis + dims.length) % dims.length);
    const begins = new Array<number>(dims.length).fill(0);
    const ends = new Array<number>(dims.length).fill(0);
    axes.forEach((axis, at) => {
      begins[axis] = given[at]!;
      ends[axis] = given[at + axes.length]!;
    });
    const dy = site.gradient(0)!;
    const mode = stringOf(node, "mode", "constant");
    if (mode === "constant") {
      const cut = [...begins, ...ends].every((size) => size >= 0);
      const all = [...dims.keys()];
      return [
        cut
          ? emit.slice(dy, all, begins, [...begins.map((begin, axis) => begin + dims[axis]!)])
          : emit.pad(
              dy,
              [...begins, ...ends].map((size) => (size === 0 ? 0 : -size)),
            ),
      ];
    }
    const within = MODES[mode];
    if (within === undefined) {
      throw unsupported("gradient-pad-mode", `${label(node)} (Pad) has the mode "${mode}".`, {
        node: label(node),
        expected: `constant, ${Object.keys(MODES).join(", ")}`,
        found: mode,
      });
    }
    return [
      dims.reduce((dx, size, axis) => {
        const [begin, end] = [begins[axis]!, ends[axis]!];
        if (begin === 0 && end === 0) return dx;
        // Negative pads cut first; the border then repeats what is left.
        const skipped = Math.max(-begin, 0);
        const left = size - skipped - Math.max(-end, 0);
        const count = left + Math.max(begin, 0) + Math.max(end, 0);
        const sources = Array.from({ length: count }, (_, at) => skipped + within(at - Math.max(begin, 0), left));
        return gradientOfSources(emit, dx, axis, size, sources);
      }, dy),
    ];
  },
});
