// GRU, unrolled. z, r = sigmoid(x W' + h R' + b);  n = tanh(x Wn' + (r h) Rn' + b), or with linear_before_reset
// tanh(x Wn' + bW + r (h Rn' + bR));  h' = (1 - z) n + z h.

import { intOf } from "../../ir/attributes.js";
import { defineLowering } from "./lowering.js";
import { type Direction, type Step, unroll } from "./recurrence.js";

export const gru = defineLowering({
  name: "gru",
  summary: "GRU as its steps",
  reference: "https://onnx.ai/onnx/operators/onnx__GRU.html",
  operators: ["GRU"],
  lower(site) {
    const linearFirst = intOf(site.node, "linear_before_reset", 0) !== 0;
    return unroll(site, {
      activations: ["Sigmoid", "Tanh"],
      initial: [5],
      nodesPerStep: 11,
      direction: (direction) => steps(direction, linearFirst),
    });
  },
});

function steps(direction: Direction, linearFirst: boolean): Step {
  const { emit, hidden, clip, part, rows } = direction;
  const bias = (begin: number, end: number) => part(3, begin * hidden, end * hidden);
  const added = (a: string | undefined, b: string | undefined) =>
    a === undefined || b === undefined ? a : emit.add(a, b);
  const affine = (x: string, weight: string, plus: string | undefined) =>
    emit.op("Gemm", plus === undefined ? [x, weight] : [x, weight, plus], {
      dims: [emit.dims(x)[0]!, emit.dims(weight)[0]!],
      attributes: { transB: 1 },
    });
  const hasBias = part(3) !== undefined;
  const gateInputs = direction.perStep(
    affine(rows, part(1, 0, 2 * hidden)!, hasBias ? added(bias(0, 2), bias(3, 5)) : undefined),
  );
  const ownBias = hasBias ? (linearFirst ? bias(2, 3) : added(bias(2, 3), bias(5, 6))) : undefined;
  const newInputs = direction.perStep(affine(rows, part(1, 2 * hidden, 3 * hidden)!, ownBias));
  const gateWeight = part(2, 0, 2 * hidden)!;
  const newWeight = part(2, 2 * hidden, 3 * hidden)!;
  const newBias = hasBias && linearFirst ? bias(5, 6) : undefined;
  return (t, [h]) => {
    const gates = emit.sigmoid(clip(affine(h!, gateWeight, gateInputs[t]!)));
    const half = { dtype: emit.dtype(gates), dims: emit.dims(h!) };
    const [z, r] = emit.ops("Split", [gates], [half, half], { attributes: { axis: 1, num_outputs: 2 } }) as [
      string,
      string,
    ];
    const before = linearFirst
      ? emit.add(newInputs[t]!, emit.mul(r, affine(h!, newWeight, newBias)))
      : affine(emit.mul(r, h!), newWeight, newInputs[t]!);
    const n = emit.tanh(clip(before));
    return [emit.add(n, emit.mul(z, emit.sub(h!, n)))];
  };
}
