// A model whose only outputs are a few numbers of each value wanted: smallest, largest, mean and sum of squares, of all of it
// or for each channel. The values themselves stay in the runtime, and are let go as in any run.

import { ints } from "../ir/attributes.js";
import { makeNode } from "../ir/build.js";
import type { Initializer, Model, Node } from "../ir/model.js";
import type { DType } from "../tensor/dtype.js";
import { int64 } from "../tensor/tensor.js";
import type { Value } from "../tensor/value.js";

/** `axis`: one number for each index of it; absent: one for all. Not negative. */
export interface Wanted {
  readonly name: string;
  readonly dtype: DType;
  readonly rank: number;
  readonly axis?: number | undefined;
}

/** Arrays have one number, or one for each index of the axis. */
export interface Reduced {
  /** Elements that each number is of; 0: the value is empty, the numbers mean nothing. */
  readonly count: number;
  readonly min: Float32Array;
  readonly max: Float32Array;
  readonly mean: Float32Array;
  /** Sums of squares. */
  readonly squares: Float32Array;
}

const PREFIX = "pare.calibration";
const FLAT = `${PREFIX}.flat`;
const KINDS = ["ReduceMin", "ReduceMax", "ReduceMean", "ReduceSumSquare"] as const;

export function withReductions(model: Model, wanted: readonly Wanted[]): Model {
  const opset = model.opsets.get("") ?? 21;
  const constants = new Map<string, Initializer>([[FLAT, int64([1], [-1])]]);
  const groups = wanted.map((one, at) => reductions(one, outputOf(at), opset, constants));
  return {
    ...model,
    graph: {
      ...model.graph,
      // The last first: ONNX Runtime orders nodes from the last leaf on, so that each value is reduced as soon as it is
      // there, and not all of them at the end.
      nodes: [...model.graph.nodes, ...groups.reverse().flat()],
      initializers: new Map([...model.graph.initializers, ...constants]),
      outputs: wanted.map((_, at) => ({ name: outputOf(at) })),
      valueInfo: new Map(),
    },
  };
}

const outputOf = (at: number) => `${PREFIX}.${at}`;

/** What a run gave, one record for each of `wanted`. */
export function readReductions(wanted: readonly Wanted[], results: Readonly<Record<string, Value>>): Reduced[] {
  return wanted.map(({ axis, rank }, at) => {
    const numbers = results[outputOf(at)]!.data as Float32Array;
    const tail = axis === undefined ? 1 : rank;
    const channels = (numbers.length - tail) / KINDS.length;
    const [min, max, mean, squares] = KINDS.map((_, kind) =>
      numbers.subarray(kind * channels, (kind + 1) * channels),
    ) as [Float32Array, Float32Array, Float32Array, Float32Array];
    // Counts come as float32 and are exact to 2^24; beyond it they only weigh samples.
    const all = numbers.subarray(KINDS.length * channels).reduce((product, size) => product * size, 1);
    return { count: axis === undefined ? all : all / Math.max(channels, 1), min, max, mean, squares };
  });
}

function reductions(
  { name, dtype, rank, axis }: Wanted,
  output: string,
  opset: number,
  constants: Map<string, Initializer>,
): Node[] {
  const part = (suffix: string) => `${output}.${suffix}`;
  const nodes: Node[] = [];
  const add = (opType: string, inputs: readonly string[], to: string, attributes = {}) => {
    nodes.push(makeNode(opType, inputs, [to], { name: `${to}_${opType.toLowerCase()}`, attributes }));
    return to;
  };
  const numbers = dtype === "float32" ? name : add("Cast", [name], part("float"), { to: 1 });
  const source = axis === undefined ? add("Reshape", [numbers, FLAT], part("flat")) : numbers;
  const others = axis === undefined ? [0] : [...Array(rank).keys()].filter((one) => one !== axis);
  const parts = KINDS.map((kind) => {
    const to = part(kind);
    // A value of one axis has one number a channel: itself, or its square.
    if (others.length === 0)
      return kind === "ReduceSumSquare" ? add("Mul", [source, source], to) : add("Identity", [source], to);
    if (axis === undefined) return add(kind, [source], to);
    if (opset < 18) return add(kind, [source], to, { axes: ints(others), keepdims: 0 });
    const axes = `${PREFIX}.axes.${others.join(".")}`;
    constants.set(axes, int64([others.length], others));
    return add(kind, [source, axes], to, { keepdims: 0 });
  });
  const sizes = add("Cast", [add("Shape", [source], part("shape"))], part("sizes"), { to: 1 });
  add("Concat", [...parts, sizes], output, { axis: 0 });
  return nodes;
}
