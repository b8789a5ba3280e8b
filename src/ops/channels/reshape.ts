// The same elements in other axes. What is cut on one side is cut on the other; sizes that are stated follow.

import { intOf } from "../../ir/attributes.js";
import { inputOf, outputOf, withInput } from "./passing.js";
import { type Cut, defineChannelRule } from "./rule.js";
import { type Scaling, withEntries, withScaling } from "./sizes.js";

export const reshape = defineChannelRule({
  name: "reshape",
  summary: "Reshape: the same elements in other axes, its sizes rewritten",
  reference: "https://onnx.ai/onnx/operators/onnx__Reshape.html",
  operators: ["Reshape"],
  flow: (flow) => flow.regroup(inputOf(flow, 0), outputOf(flow, 0)),
  rests: (rests) => rests.carries(),
  cut(cut) {
    const stated = inputOf(cut, 1);
    const sizes =
      cut.numbers(stated) === undefined ? computed(cut, stated) : withEntries(cut, stated, entries(cut, stated));
    return sizes.value === stated ? undefined : [...sizes.nodes, withInput(cut.node, 1, sizes.value)];
  },
});

/** Entries of a constant that are not right any more: -1 always is, 0 where the input's axis became as long. */
function entries(cut: Cut, stated: string): Map<number, number> {
  const [before, after] = [cut.after(inputOf(cut, 0)), cut.after(outputOf(cut, 0))];
  const copies = intOf(cut.node, "allowzero", 0) === 0;
  const changed = new Map<number, number>();
  for (const [axis, number] of cut.numbers(stated)!.entries()) {
    const size = after[axis]!;
    if (number === -1 || number === size || (number === 0 && copies && before[axis] === size)) continue;
    changed.set(axis, size);
  }
  return changed;
}

function computed(cut: Cut, stated: string) {
  const output = outputOf(cut, 0);
  const [before, after] = [cut.dims(output), cut.after(output)];
  const merged = mergedAxes(cut.dims(inputOf(cut, 0)), before);
  const replaced = new Map<number, number>();
  const scaled = new Map<number, Scaling>();
  for (const [axis, size] of after.entries()) {
    if (cut.kept({ value: output, axis }) === undefined) continue;
    if (merged.has(axis) && cut.opset >= 9) scaled.set(axis, { before: before[axis]!, after: size });
    else replaced.set(axis, size);
  }
  const first = withEntries(cut, stated, replaced);
  const second = withScaling(cut, first.value, scaled, [after.length], false);
  return { value: second.value, nodes: [...first.nodes, ...second.nodes] };
}

/**
 * Output axes that several input axes are merged into. An axis of length 1 counts where it comes first: it may be a batch
 * that is 1 only now.
 */
function mergedAxes(before: readonly number[], after: readonly number[]): Set<number> {
  const merged = new Set<number>();
  let i = 0;
  for (let j = 0; j < after.length; ) {
    const from = j;
    let left = before[i++] ?? 1;
    let right = after[j++]!;
    let count = 1;
    while (left !== right) {
      if (left < right) {
        if (i === before.length) return merged;
        left *= before[i++]!;
        count++;
      } else {
        if (j === after.length) return merged;
        right *= after[j++]!;
      }
    }
    if (count > 1) for (let axis = from; axis < j; axis++) merged.add(axis);
  }
  return merged;
}
