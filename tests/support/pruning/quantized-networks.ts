// Quantized networks: pairs of QuantizeLinear and DequantizeLinear around everything, integer convolutions, weights in codes.
// Scales are powers of two, so that sums are exact and no order of summation can move a code.

import { float32, type Tensor, tensor } from "../../../src/tensor/tensor.js";
import { type Net, net, type Pattern } from "./parts.js";

const int8 = (n: Net, dims: readonly number[]): Tensor =>
  tensor(
    "int8",
    dims,
    Int8Array.from({ length: dims.reduce((a, d) => a * d, 1) }, () => n.size(-40, 40)),
  );
const powers = (n: Net, count: number) =>
  float32(
    [count],
    Array.from({ length: count }, () => 2 ** -n.size(5, 7)),
  );

function pair(n: Net, name: string, x: string, scale: number, zero: number): string {
  const parameters = [
    n.constant(`${name}.scale`, float32([], [scale])),
    n.constant(`${name}.zero`, tensor("uint8", [], Uint8Array.of(zero))),
  ];
  return n.op("DequantizeLinear", [n.op("QuantizeLinear", [x, ...parameters]), ...parameters]);
}

/** A convolution whose weight and bias stand as codes with one scale a channel. */
function conv(n: Net, name: string, x: string, from: number, to: number, scale: number, attributes: object = {}) {
  const scales = n.constant(`${name}.weight.scale`, powers(n, to));
  const zeros = n.constant(`${name}.weight.zero`, tensor("int8", [to], new Int8Array(to)));
  const codes = n.constant(`${name}.weight`, int8(n, [to, from, 3, 3]));
  const w = n.op("DequantizeLinear", [codes, scales, zeros], { axis: 0 });
  const held = n.constant(
    `${name}.bias`,
    tensor(
      "int32",
      [to],
      Int32Array.from({ length: to }, () => n.size(-900, 900)),
    ),
  );
  const c = n.op(
    "DequantizeLinear",
    [held, n.constant(`${name}.bias.scale`, float32([to], new Float32Array(to).fill(scale / 64)))],
    { axis: 0 },
  );
  return n.op("Conv", [x, w, c], { kernel_shape: [3, 3], pads: [1, 1, 1, 1], ...attributes });
}

export const pairs: Pattern = {
  name: "convolutions between pairs",
  make(seed) {
    const n = net(seed);
    const [c, d] = [n.size(3, 9), n.size(3, 9)];
    const x = n.image(3, 8);
    const start = pair(n, "start", "x", 1 / 32, 128);
    const one = pair(n, "one", n.op("Relu", [conv(n, "one", start, 3, c, 1 / 32)]), 1 / 16, 0);
    const two = pair(n, "two", conv(n, "two", one, c, d, 1 / 16), 1 / 8, 117);
    const sum = pair(
      n,
      "sum",
      n.op("Add", [two, pair(n, "short", conv(n, "short", start, 3, d, 1 / 32), 1 / 8, 120)]),
      1 / 4,
      119,
    );
    n.classify(sum, d);
    return n.done({ x }, { "one.weight": c, "two.weight": d });
  },
};

/** Codes of weights alone, with zero points of their own. */
export const weightOnly: Pattern = {
  name: "weights in codes",
  make(seed) {
    const n = net(seed);
    const [c, d] = [n.size(3, 9), n.size(4, 11)];
    const x = n.image(3, 8);
    const codes = (name: string, dims: readonly number[], axis: number) => {
      const count = dims[axis]!;
      const zero = tensor(
        "uint8",
        [count],
        Uint8Array.from({ length: count }, () => n.size(90, 140)),
      );
      const held = tensor(
        "uint8",
        dims,
        Uint8Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => n.size(60, 180)),
      );
      const scales = powers(n, count);
      return n.op(
        "DequantizeLinear",
        [n.constant(name, held), n.constant(`${name}.scale`, scales), n.constant(`${name}.zero`, zero)],
        { axis },
      );
    };
    const one = n.op("Relu", [n.op("Conv", ["x", codes("one.weight", [c, 3, 3, 3], 0)], { kernel_shape: [3, 3] })]);
    const flat = n.op("Flatten", [n.op("GlobalAveragePool", [one])]);
    const hidden = n.op("Relu", [n.op("MatMul", [flat, codes("hidden.weight", [c, d], 1)])]);
    n.b.output(n.op("MatMul", [hidden, codes("out.weight", [d, 4], 1)]), "float32", ["batch", 4]);
    return n.done({ x }, { "one.weight": c, "hidden.weight": d });
  },
};

/** Integers from end to end: QLinearConv. */
export const integers: Pattern = {
  name: "QLinearConv",
  make(seed) {
    const n = net(seed);
    const [c, d] = [n.size(3, 9), n.size(3, 9)];
    const x = n.image(3, 8);
    const byte = (name: string, value: number) => n.constant(name, tensor("uint8", [], Uint8Array.of(value)));
    const scale = (name: string, value: number) => n.constant(name, float32([], [value]));
    const start = [scale("start.scale", 1 / 32), byte("start.zero", 128)] as const;
    let codes = n.op("QuantizeLinear", ["x", ...start]);
    let before: readonly string[] = start;
    const step = (name: string, from: number, to: number, out: number, zero: number) => {
      const after = [scale(`${name}.scale`, out), byte(`${name}.zero`, zero)];
      const w = n.constant(`${name}.weight`, int8(n, [to, from, 3, 3]));
      const point = n.constant(`${name}.weight.zero`, tensor("int8", [], Int8Array.of(0)));
      const held = tensor(
        "int32",
        [to],
        Int32Array.from({ length: to }, () => n.size(-900, 900)),
      );
      const inputs = [codes, ...before, w, n.constant(`${name}.weight.scale`, powers(n, to)), point, ...after];
      codes = n.op("QLinearConv", [...inputs, n.constant(`${name}.bias`, held)], {
        kernel_shape: [3, 3],
        pads: [1, 1, 1, 1],
      });
      before = after;
    };
    step("one", 3, c, 1 / 16, 0);
    step("two", c, d, 1 / 8, 110);
    n.classify(n.op("DequantizeLinear", [codes, ...before]), d);
    return n.done({ x }, { "one.weight": c, "two.weight": d });
  },
};

export const quantizedNetworks: readonly Pattern[] = [pairs, weightOnly, integers];
