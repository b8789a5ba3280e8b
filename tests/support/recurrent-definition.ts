// LSTM, GRU and RNN in float64 loops, written from the operators' specifications: ONNX Runtime has no float64 kernels of them.

import type { Attributes, Definition, Numbers64 } from "./gradients.js";

type Inputs = readonly (Numbers64 | undefined)[];

/** The states after one step of one sequence in one direction; the first is the output. */
type Cell = (x: Row, states: readonly Row[], parameters: Parameters, attributes: Attributes) => readonly Row[];
type Row = readonly number[];

interface Parameters {
  readonly hidden: number;
  /** `row` of W or R by x, of one direction. */
  w(row: number, x: Row): number;
  r(row: number, h: Row): number;
  wb(row: number): number;
  rb(row: number): number;
  p(row: number): number;
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

function clipOf(attributes: Attributes): (x: number) => number {
  const clip = attributes.clip;
  if (typeof clip !== "object" || !("value" in clip)) return (x) => x;
  const bound = Number(clip.value);
  return (x) => Math.min(Math.max(x, -bound), bound);
}

const rowsOf = (hidden: number) => Array.from({ length: hidden }, (_, j) => j);

const lstmCell: Cell = (x, [h, c], { hidden, w, r, wb, rb, p }, attributes) => {
  const clip = clipOf(attributes);
  const gate = (k: number, j: number) => {
    const row = k * hidden + j;
    return w(row, x) + r(row, h!) + wb(row) + rb(row);
  };
  const cell: number[] = [];
  const output: number[] = [];
  for (const j of rowsOf(hidden)) {
    const i = sigmoid(clip(gate(0, j) + p(j) * c![j]!));
    const f = attributes.input_forget === 1 ? 1 - i : sigmoid(clip(gate(2, j) + p(2 * hidden + j) * c![j]!));
    cell[j] = f * c![j]! + i * Math.tanh(clip(gate(3, j)));
    output[j] = sigmoid(clip(gate(1, j) + p(hidden + j) * cell[j])) * Math.tanh(cell[j]);
  }
  return [output, cell];
};

const gruCell: Cell = (x, [h], { hidden, w, r, wb, rb }, attributes) => {
  const clip = clipOf(attributes);
  const gate = (row: number) => sigmoid(clip(w(row, x) + r(row, h!) + wb(row) + rb(row)));
  const reset = rowsOf(hidden).map((j) => gate(hidden + j));
  return [
    rowsOf(hidden).map((j) => {
      const row = 2 * hidden + j;
      const recurrent =
        attributes.linear_before_reset === 1
          ? reset[j]! * (r(row, h!) + rb(row))
          : r(
              row,
              h!.map((value, k) => value * reset[k]!),
            ) + rb(row);
      const fresh = Math.tanh(clip(w(row, x) + recurrent + wb(row)));
      const z = gate(j);
      return (1 - z) * fresh + z * h![j]!;
    }),
  ];
};

const rnnCell: Cell = (x, [h], { hidden, w, r, wb, rb }) => [
  rowsOf(hidden).map((row) => Math.tanh(w(row, x) + r(row, h!) + wb(row) + rb(row))),
];

const layer =
  (gates: number, initial: readonly number[], cell: Cell): Definition =>
  (inputs, attributes) => {
    const [steps, batch, width] = inputs[0]!.dims as [number, number, number];
    const hidden = inputs[2]!.dims[2]!;
    const directions = inputs[1]!.dims[0]!;
    const lengths = inputs[4];
    const y = new Float64Array(steps * directions * batch * hidden);
    const last = initial.map(() => new Float64Array(directions * batch * hidden));
    for (let d = 0; d < directions; d++) {
      const parameters = parametersOf(inputs, d, gates, hidden, width);
      const backward = d === 1 || attributes.direction === "reverse";
      for (let n = 0; n < batch; n++) {
        let states: readonly Row[] = initial.map((at) =>
          rowsOf(hidden).map((j) => inputs[at]?.data[(d * batch + n) * hidden + j] ?? 0),
        );
        const length = lengths?.data[n] ?? steps;
        for (let k = 0; k < length; k++) {
          const t = backward ? length - 1 - k : k;
          const from = (t * batch + n) * width;
          states = cell([...inputs[0]!.data.subarray(from, from + width)], states, parameters, attributes);
          y.set(states[0]!, ((t * directions + d) * batch + n) * hidden);
        }
        states.forEach((state, at) => {
          last[at]!.set(state, (d * batch + n) * hidden);
        });
      }
    }
    const dims = [directions, batch, hidden];
    return [{ dims: [steps, ...dims], data: y }, ...last.map((data) => ({ dims, data }))];
  };

function parametersOf(inputs: Inputs, d: number, gates: number, hidden: number, width: number): Parameters {
  const rows = gates * hidden;
  const product = (at: number, size: number) => (row: number, x: Row) => {
    const from = (d * rows + row) * size;
    return x.reduce((sum, value, i) => sum + value * inputs[at]!.data[from + i]!, 0);
  };
  return {
    hidden,
    w: product(1, width),
    r: product(2, hidden),
    wb: (row) => inputs[3]?.data[d * 2 * rows + row] ?? 0,
    rb: (row) => inputs[3]?.data[d * 2 * rows + rows + row] ?? 0,
    p: (row) => inputs[7]?.data[d * 3 * hidden + row] ?? 0,
  };
}

export const lstmDefinition = layer(4, [5, 6], lstmCell);
export const gruDefinition = layer(3, [5], gruCell);
export const rnnDefinition = layer(1, [5], rnnCell);
