// Recurrent layers in one and both directions, stacked, with states that are constants, made up, or the caller's.

import { float32 } from "../../../src/tensor/tensor.js";
import { input, type Net, net, type Pattern, tokens } from "./parts.js";

const GATES = { LSTM: 4, GRU: 3, RNN: 1 } as const;
type Cell = keyof typeof GATES;

interface LayerOptions {
  readonly both?: boolean;
  readonly states?: readonly string[];
  readonly attributes?: Readonly<Record<string, number | string>>;
}

/** Y [length, directions, batch, hidden], and the last states. */
function layer(n: Net, cell: Cell, name: string, x: string, from: number, hidden: number, options: LayerOptions = {}) {
  const directions = options.both ? 2 : 1;
  const rows = GATES[cell] * hidden;
  const inputs = [
    x,
    n.constant(`${name}.W`, n.normals([directions, rows, from], 1 / Math.sqrt(from))),
    n.constant(`${name}.R`, n.normals([directions, rows, hidden], 1 / Math.sqrt(hidden))),
    n.constant(`${name}.B`, n.normals([directions, 2 * rows], 0.3)),
    "",
    ...(options.states ?? []),
  ];
  while (inputs.at(-1) === "") inputs.pop();
  const attributes = {
    hidden_size: hidden,
    ...(options.both && { direction: "bidirectional" }),
    ...options.attributes,
  };
  return n.b.nodes(cell, inputs, { name, outputs: cell === "LSTM" ? 3 : 2, attributes });
}

export const stacked = (cell: Cell, attributes: LayerOptions["attributes"] = {}): Pattern => ({
  name: `${cell}, two layers${attributes.linear_before_reset ? ", linear before reset" : ""}`,
  make(seed) {
    const n = net(seed);
    const [d, h, g] = [n.size(3, 6), n.size(3, 9), n.size(3, 9)];
    const x = input(n, "x", ["length", "batch", d], [5, 2, d]);
    const first = n.op("Squeeze", [layer(n, cell, "one", "x", d, h, { attributes })[0]!, n.ints([1])]);
    const zeros = n.constant("start", float32([1, 2, g], new Float32Array(2 * g)));
    const second = layer(n, cell, "two", first, h, g, { states: [zeros], attributes });
    n.b.output(n.linear("out", n.op("Squeeze", [second[0]!, n.ints([1])]), g, 4), "float32", ["length", "batch", 4]);
    return n.done({ x }, { "one.W": h, "two.W": g });
  },
});

/** Both directions joined by Transpose and Reshape, as exporters do, and the last states of both side by side. */
export const bidirectional: Pattern = {
  name: "LSTM in both directions, two layers",
  make(seed) {
    const n = net(seed);
    const [d, h, g] = [n.size(4, 8), n.size(3, 8), n.size(3, 8)];
    const ids = tokens(n, "ids", [2, 5], 11);
    const table = n.constant("table", n.normals([11, d]));
    const x = n.op("Transpose", [n.op("Gather", [table, "ids"])], { perm: [1, 0, 2] });
    const y = layer(n, "LSTM", "one", x, d, h, { both: true })[0]!;
    const joined = n.op("Reshape", [n.op("Transpose", [y], { perm: [0, 2, 1, 3] }), n.ints([0, 0, -1])]);
    const last = layer(n, "LSTM", "two", joined, 2 * h, g, { both: true })[1]!;
    const flat = n.op("Reshape", [n.op("Transpose", [last], { perm: [1, 0, 2] }), n.ints([0, 2 * g])]);
    n.b.output(n.linear("out", flat, 2 * g, 4), "float32", ["batch", 4]);
    return n.done({ ids }, { table: d, "one.W": h, "two.W": g });
  },
};

/** One layer's states come from outside and go out again; the other's are made up by ConstantOfShape. */
export const states: Pattern = {
  name: "GRU with states of the caller",
  make(seed) {
    const n = net(seed);
    const [d, h, g, f] = [n.size(3, 6), n.size(3, 7), n.size(3, 7), n.size(3, 9)];
    const x = input(n, "x", ["length", "batch", d], [5, 2, d]);
    const state = input(n, "state", [1, "batch", h], [1, 2, h]);
    const [y, last] = layer(n, "GRU", "one", "x", d, h, { states: ["state"] });
    const first = n.op("Relu", [n.linear("between", n.op("Squeeze", [y!, n.ints([1])]), h, f)]);
    const batch = n.op("Slice", [n.op("Shape", [first]), n.ints([1]), n.ints([2])]);
    const zeros = n.op("ConstantOfShape", [n.op("Concat", [n.ints([1]), batch, n.ints([g])], { axis: 0 })]);
    const second = layer(n, "GRU", "two", first, f, g, { states: [zeros] })[0]!;
    n.b.output(n.linear("out", n.op("Squeeze", [second, n.ints([1])]), g, 4), "float32", ["length", "batch", 4]);
    n.b.output(last!, "float32", [1, "batch", h]);
    return n.done({ x, state }, { "between.weight": f, "two.W": g }, { "one.W": /input|output/i });
  },
};

export const recurrentNetworks: readonly Pattern[] = [
  stacked("LSTM"),
  stacked("GRU"),
  stacked("GRU", { linear_before_reset: 1 }),
  stacked("RNN"),
  bidirectional,
  states,
];
