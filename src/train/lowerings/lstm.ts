// LSTM, unrolled to the observed length, since the operator does not give out its gates.
//   i, o, f, g = gates(x W' + h R' + b);  c' = f c + i g;  h' = o tanh(c');  peepholes add P c to i and f, P c' to o.

import { intOf } from "../../ir/attributes.js";
import { defineLowering } from "./lowering.js";
import { type Direction, type Step, unroll } from "./recurrence.js";

export const lstm = defineLowering({
  name: "lstm",
  summary: "LSTM as its steps",
  reference: "https://onnx.ai/onnx/operators/onnx__LSTM.html",
  operators: ["LSTM"],
  lower(site) {
    const coupled = intOf(site.node, "input_forget", 0) !== 0;
    return unroll(site, {
      activations: ["Sigmoid", "Tanh", "Tanh"],
      initial: [5, 6],
      nodesPerStep: 12,
      direction: (direction) => steps(direction, coupled),
    });
  },
});

function steps(direction: Direction, coupled: boolean): Step {
  const { emit, hidden, clip, part } = direction;
  const bias = part(3);
  const both = bias === undefined ? [] : [part(3, 0, 4 * hidden)!, part(3, 4 * hidden, 8 * hidden)!];
  const sum = both.length === 0 ? [] : [emit.add(both[0]!, both[1]!)];
  const recurrent = part(2)!;
  const inputs = direction.perStep(
    emit.op("Gemm", [direction.rows, part(1)!, ...sum], {
      dims: [emit.dims(direction.rows)[0]!, 4 * hidden],
      attributes: { transB: 1 },
    }),
  );
  const peephole = part(7) === undefined ? undefined : [0, 1, 2].map((k) => part(7, k * hidden, (k + 1) * hidden)!);
  const slices = (x: string, sizes: readonly number[]) =>
    emit.ops(
      "Split",
      [x, emit.ints(sizes)],
      sizes.map((size) => ({ dtype: emit.dtype(x), dims: [emit.dims(x)[0]!, size] })),
      { attributes: { axis: 1 } },
    );
  return (t, [h, c]) => {
    const gates = emit.op("Gemm", [h!, recurrent, inputs[t]!], {
      dims: emit.dims(inputs[t]!),
      attributes: { transB: 1 },
    });
    let i: string;
    let o: string;
    let f: string;
    let g: string;
    if (peephole === undefined) {
      const [three, last] = slices(clip(gates), [3 * hidden, hidden]) as [string, string];
      [i, o, f] = slices(emit.sigmoid(three), [hidden, hidden, hidden]) as [string, string, string];
      g = emit.tanh(last);
    } else {
      [i, o, f, g] = slices(gates, [hidden, hidden, hidden, hidden]) as [string, string, string, string];
      i = emit.sigmoid(clip(emit.add(i, emit.mul(peephole[0]!, c!))));
      f = emit.sigmoid(clip(emit.add(f, emit.mul(peephole[2]!, c!))));
      g = emit.tanh(clip(g));
    }
    const kept = coupled ? emit.sub(emit.like(1, i), i) : f;
    const cell = emit.add(emit.mul(kept, c!), emit.mul(i, g));
    if (peephole !== undefined) o = emit.sigmoid(clip(emit.add(o, emit.mul(peephole[1]!, cell))));
    return [emit.mul(o, emit.tanh(cell)), cell];
  };
}
