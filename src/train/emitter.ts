// Writes nodes and keeps the shape of every value it makes: what gradient rules, lowerings, losses and optimizers are
// written with. All shapes are static, so sizes are numbers when the graph is written and reshapes are constants in it.
// Long because each short form is one operator with the shape of its result, and they are read as one list.

import { internal } from "../base/errors.js";
import type { AttributeInput } from "../ir/attributes.js";
import { makeNode } from "../ir/build.js";
import type { Node } from "../ir/model.js";
import { DTYPES, type DType, elementCount } from "../tensor/dtype.js";
import { float32, int64, type Tensor, tensor } from "../tensor/tensor.js";

/** Element type and size of a value; every dimension is known. */
export interface ValueShape {
  readonly dtype: DType;
  readonly dims: readonly number[];
}

export interface EmitOptions {
  readonly attributes?: Readonly<Record<string, AttributeInput>>;
  readonly domain?: string;
  /** Dimensions of the result; default: the inputs broadcast together. */
  readonly dims?: readonly number[];
  /** Element type of the result; default: that of the first input. */
  readonly dtype?: DType;
  /** What the result is called, made unique; default: the operator's name. */
  readonly name?: string;
}

export interface EmitterSource {
  /** Of values that exist already: forward values, weights, inputs. */
  shape(name: string): ValueShape | undefined;
  /** Whether a name is taken. */
  has(name: string): boolean;
  /** A constant of the graph, where it is in memory. */
  constant?(name: string): Tensor | undefined;
}

/** A gradient that takes the place of those of the nodes between `inputs` and a value: rounding, which has none of its own. */
export interface CustomGradient {
  readonly inputs: readonly string[];
  /** Gradients of the inputs, in order, from that of the value; undefined where none flows. */
  gradient(of: string): readonly (string | undefined)[];
}

export class Emitter {
  /** Values whose gradients `custom` states. */
  readonly customs = new Map<string, CustomGradient>();
  /** What was written so far, in order. */
  readonly nodes: Node[] = [];
  /** Constants that the nodes use. */
  readonly initializers = new Map<string, Tensor>();
  readonly #source: EmitterSource;
  readonly #shapes = new Map<string, ValueShape>();
  readonly #pool = new Map<string, string>();
  readonly #counters = new Map<string, number>();

  /** Channels in a block of the runtime's layout, where the graph will be written in it (train/blocked); else 0. */
  readonly block: number;

  constructor(source: EmitterSource, block = 0) {
    this.#source = source;
    this.block = block;
  }

  /** Throws `internal` for a value that nobody made. */
  shape(name: string): ValueShape {
    const found = this.#shapes.get(name) ?? this.#source.shape(name);
    if (found === undefined) throw internal(`the shape of "${name}" is not known`);
    return found;
  }

  dims(name: string): readonly number[] {
    return this.shape(name).dims;
  }

  dtype(name: string): DType {
    return this.shape(name).dtype;
  }

  rank(name: string): number {
    return this.dims(name).length;
  }

  has(name: string): boolean {
    return this.#shapes.has(name) || this.#source.has(name);
  }

  /** `stem`, else `stem_1`, `stem_2` ... */
  unique(stem: string): string {
    let name = stem;
    let count = this.#counters.get(stem) ?? 0;
    while (this.#shapes.has(name) || this.initializers.has(name) || this.#source.has(name)) name = `${stem}_${++count}`;
    this.#counters.set(stem, count);
    return name;
  }

  /** Makes known the shape of a value that something else makes: a graph input, a value renamed. */
  declare(name: string, shape: ValueShape): string {
    this.#shapes.set(name, shape);
    return name;
  }

  /** Numbers of a small constant (axes, pads, shapes, bounds); undefined where the value is not constant. */
  constant(name: string): number[] | undefined {
    if (name === "") return undefined;
    const found = this.initializers.get(name) ?? this.#source.constant?.(name);
    const bytes = found?.data.bytes;
    return found === undefined || bytes === undefined ? undefined : numbersIn(found.dtype, bytes);
  }

  /** One node with one result; gives its name. */
  op(opType: string, inputs: readonly string[], options: EmitOptions = {}): string {
    const given = inputs.filter((name) => name !== "");
    const dims = options.dims ?? broadcast(given.map((name) => this.dims(name)));
    const dtype = options.dtype ?? this.dtype(given[0]!);
    return this.ops(opType, inputs, [{ dtype, dims }], options)[0]!;
  }

  /** One node with several results; gives their names, in order. An undefined result is left out (""). */
  ops(
    opType: string,
    inputs: readonly string[],
    results: readonly (ValueShape | undefined)[],
    options: Pick<EmitOptions, "attributes" | "domain" | "name"> = {},
  ): string[] {
    const names = results.map((shape) => {
      if (shape === undefined) return "";
      const name = this.unique(options.name ?? opType.toLowerCase());
      this.#shapes.set(name, shape);
      return name;
    });
    const { attributes, domain } = options;
    this.nodes.push(
      makeNode(opType, inputs, names, {
        ...(attributes === undefined ? {} : { attributes }),
        ...(domain === undefined ? {} : { domain }),
      }),
    );
    return names;
  }

  /**
   * States the gradient of a value that was just written: from it straight to `inputs`, whatever stands between. The value must
   * not be an input itself. Gives the value.
   */
  custom(value: string, inputs: readonly string[], gradient: CustomGradient["gradient"]): string {
    if (inputs.includes(value)) throw internal(`the gradient of "${value}" to itself`);
    this.customs.set(value, { inputs, gradient });
    return value;
  }

  // --- constants, each stored once

  /** A scalar of a float or integer type. */
  number(value: number, dtype: DType = "float32"): string {
    return this.#constant(`${dtype}:${Object.is(value, -0) ? "-0" : value}`, `${dtype}_${value}`, () =>
      scalarTensor(value, dtype),
    );
  }

  /** A scalar of the element type of `like`. */
  like(value: number, like: string): string {
    return this.number(value, this.dtype(like));
  }

  /** int64 [values.length]: axes, shapes, starts, pads. */
  ints(values: readonly number[]): string {
    return this.#constant(`ints:${values.join()}`, "ints", () => int64([values.length], values));
  }

  /** Any other constant; `stem` names it. */
  store(stem: string, value: Tensor): string {
    const name = this.unique(stem);
    this.initializers.set(name, value);
    this.#shapes.set(name, { dtype: value.dtype, dims: value.dims });
    return name;
  }

  /** float32 constant converted to `dtype` (float32 or float64). */
  floats(dims: readonly number[], values: Iterable<number>, dtype: DType = "float32"): string {
    const list = [...values];
    const value = dtype === "float64" ? tensor("float64", dims, Float64Array.from(list)) : float32(dims, list);
    return this.#constant(`floats:${dtype}:${dims.join()}:${list.join()}`, "floats", () => value);
  }

  #constant(key: string, stem: string, make: () => Tensor): string {
    const known = this.#pool.get(key);
    if (known !== undefined) return known;
    const name = this.store(`const_${stem.replaceAll(/[^\w]+/g, "_")}`, make());
    this.#pool.set(key, name);
    return name;
  }

  // --- elementwise, broadcasting

  add = (a: string, b: string) => this.op("Add", [a, b]);
  sub = (a: string, b: string) => this.op("Sub", [a, b]);
  mul = (a: string, b: string) => this.op("Mul", [a, b]);
  div = (a: string, b: string) => this.op("Div", [a, b]);
  pow = (a: string, b: string) => this.op("Pow", [a, b]);
  max = (a: string, b: string) => this.op("Max", [a, b]);
  min = (a: string, b: string) => this.op("Min", [a, b]);
  neg = (x: string) => this.op("Neg", [x]);
  exp = (x: string) => this.op("Exp", [x]);
  log = (x: string) => this.op("Log", [x]);
  sqrt = (x: string) => this.op("Sqrt", [x]);
  abs = (x: string) => this.op("Abs", [x]);
  sign = (x: string) => this.op("Sign", [x]);
  tanh = (x: string) => this.op("Tanh", [x]);
  sigmoid = (x: string) => this.op("Sigmoid", [x]);
  reciprocal = (x: string) => this.op("Reciprocal", [x]);
  square = (x: string) => this.op("Mul", [x, x]);
  /** `x * value`, `value` a number. */
  scale = (x: string, value: number) => (value === 1 ? x : this.mul(x, this.like(value, x)));
  /** `x + value`, `value` a number. */
  shift = (x: string, value: number) => (value === 0 ? x : this.add(x, this.like(value, x)));
  /** bool */
  greater = (a: string, b: string) => this.op("Greater", [a, b], { dtype: "bool" });
  less = (a: string, b: string) => this.op("Less", [a, b], { dtype: "bool" });
  equal = (a: string, b: string) => this.op("Equal", [a, b], { dtype: "bool" });
  not = (a: string) => this.op("Not", [a]);
  and = (a: string, b: string) => this.op("And", [a, b]);
  or = (a: string, b: string) => this.op("Or", [a, b]);
  where = (condition: string, a: string, b: string) => this.op("Where", [condition, a, b], { dtype: this.dtype(a) });

  cast(x: string, dtype: DType): string {
    if (this.dtype(x) === dtype) return x;
    return this.op("Cast", [x], { dtype, attributes: { to: DTYPES[dtype].code } });
  }

  // --- products

  /** Batched, broadcasting, ranks of 2 or more. */
  matmul(a: string, b: string): string {
    const [left, right] = [this.dims(a), this.dims(b)];
    const batch = broadcast([left.slice(0, -2), right.slice(0, -2)]);
    return this.op("MatMul", [a, b], { dims: [...batch, left.at(-2)!, right.at(-1)!] });
  }

  // --- movement; what changes nothing writes no node

  reshape(x: string, dims: readonly number[]): string {
    if (same(this.dims(x), dims)) return x;
    if (elementCount(this.dims(x)) !== elementCount(dims)) {
      throw internal(`reshape of [${this.dims(x)}] to [${dims}]`);
    }
    // A dimension of 0 would mean "as before"; -1 is not needed.
    const attributes = dims.includes(0) ? { allowzero: 1 } : {};
    return this.op("Reshape", [x, this.ints(dims)], { dims, attributes });
  }

  transpose(x: string, perm: readonly number[]): string {
    if (perm.every((axis, i) => axis === i)) return x;
    const dims = this.dims(x);
    return this.op("Transpose", [x], { dims: perm.map((axis) => dims[axis]!), attributes: { perm } });
  }

  /** The last two axes exchanged. */
  swap(x: string): string {
    const axes = [...this.dims(x).keys()];
    return this.transpose(x, [...axes.slice(0, -2), axes.length - 1, axes.length - 2]);
  }

  expand(x: string, dims: readonly number[]): string {
    if (same(this.dims(x), dims)) return x;
    return this.op("Expand", [x, this.ints(dims)], { dims });
  }

  unsqueeze(x: string, axis: number): string {
    const dims = [...this.dims(x)];
    dims.splice(axis, 0, 1);
    return this.reshape(x, dims);
  }

  /** Along each of `axes` from `starts` (inclusive) to `ends` (exclusive), by `steps` (default 1, may be negative). */
  slice(
    x: string,
    axes: readonly number[],
    starts: readonly number[],
    ends: readonly number[],
    steps: readonly number[] = axes.map(() => 1),
  ): string {
    const dims = [...this.dims(x)];
    const whole = axes.every((axis, i) => starts[i] === 0 && ends[i]! >= dims[axis]! && steps[i] === 1);
    if (whole) return x;
    axes.forEach((axis, i) => {
      const size = dims[axis]!;
      const step = steps[i]!;
      const from = clampIndex(starts[i]!, size, step);
      const to = clampIndex(ends[i]!, size, step);
      dims[axis] = Math.max(0, Math.ceil((to - from) / step));
    });
    const inputs = [x, this.ints(starts), this.ints(ends), this.ints(axes)];
    if (steps.some((step) => step !== 1)) inputs.push(this.ints(steps));
    return this.op("Slice", inputs, { dims });
  }

  concat(parts: readonly string[], axis: number): string {
    if (parts.length === 1) return parts[0]!;
    const dims = [...this.dims(parts[0]!)];
    const at = axis < 0 ? axis + dims.length : axis;
    dims[at] = parts.reduce((sum, part) => sum + this.dims(part)[at]!, 0);
    return this.op("Concat", parts, { dims, attributes: { axis: at } });
  }

  /** `pads`: begin of every axis, then end of every axis, as ONNX has it; negative ones cut. */
  pad(x: string, pads: readonly number[], value = 0): string {
    if (pads.every((pad) => pad === 0)) return x;
    const from = this.dims(x);
    const dims = from.map((size, axis) => size + pads[axis]! + pads[axis + from.length]!);
    return this.op("Pad", [x, this.ints(pads), this.like(value, x)], { dims });
  }

  /** Rows of `axis` by int64 or int32 indices of any shape. */
  gather(x: string, indices: string, axis = 0): string {
    const dims = this.dims(x);
    const at = axis < 0 ? axis + dims.length : axis;
    return this.op("Gather", [x, indices], {
      dims: [...dims.slice(0, at), ...this.dims(indices), ...dims.slice(at + 1)],
      attributes: { axis: at },
    });
  }

  // --- reductions

  reduceSum = (x: string, axes: readonly number[], keep = true) => this.#reduce("ReduceSum", x, axes, keep);
  reduceMean = (x: string, axes: readonly number[], keep = true) => this.#reduce("ReduceMean", x, axes, keep);
  reduceMax = (x: string, axes: readonly number[], keep = true) => this.#reduce("ReduceMax", x, axes, keep);
  reduceMin = (x: string, axes: readonly number[], keep = true) => this.#reduce("ReduceMin", x, axes, keep);
  /** The sum of squares. */
  reduceSquares = (x: string, axes: readonly number[], keep = true) => this.#reduce("ReduceSumSquare", x, axes, keep);
  /** The sum of all elements, a scalar. */
  total = (x: string) => (this.rank(x) === 0 ? x : this.reduceSum(x, [...this.dims(x).keys()], false));
  /** The mean of all elements, a scalar. */
  mean = (x: string) => (this.rank(x) === 0 ? x : this.reduceMean(x, [...this.dims(x).keys()], false));

  #reduce(opType: string, x: string, axes: readonly number[], keep: boolean): string {
    const rank = this.rank(x);
    const over = axes.map((axis) => (axis < 0 ? axis + rank : axis));
    if (over.length === 0) return opType === "ReduceSumSquare" ? this.square(x) : x;
    const dims = this.dims(x).flatMap((size, axis) => (over.includes(axis) ? (keep ? [1] : []) : [size]));
    return this.op(opType, [x, this.ints(over)], { dims, attributes: { keepdims: keep ? 1 : 0 } });
  }

  /** Sums out what broadcasting spread: the gradient of an input of dimensions `dims` from that of the result. */
  reduceTo(x: string, dims: readonly number[]): string {
    const from = this.dims(x);
    if (same(from, dims)) return x;
    const lead = from.length - dims.length;
    const axes = from.flatMap((size, axis) => (axis < lead || (dims[axis - lead] === 1 && size !== 1) ? [axis] : []));
    return this.reshape(this.reduceSum(x, axes, true), dims);
  }
}

/** Dimensions of operands broadcast together (ONNX: aligned at the end). Throws `internal` when they do not fit. */
export function broadcast(shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(0, ...shapes.map((dims) => dims.length));
  return Array.from({ length: rank }, (_, axis) => {
    let size = 1;
    for (const dims of shapes) {
      const own = dims[axis - rank + dims.length] ?? 1;
      if (own !== 1 && size !== 1 && own !== size)
        throw internal(`shapes ${shapes.map((s) => `[${s}]`)} do not broadcast`);
      if (own !== 1) size = own;
    }
    return size;
  });
}

export const same = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((size, axis) => size === b[axis]);

function clampIndex(index: number, size: number, step: number): number {
  const from = index < 0 ? index + size : index;
  return step > 0 ? Math.min(Math.max(from, 0), size) : Math.min(Math.max(from, -1), size - 1);
}

function scalarTensor(value: number, dtype: DType): Tensor {
  switch (dtype) {
    case "float32":
      return float32([], [value]);
    case "float64":
      return tensor("float64", [], Float64Array.of(value));
    case "int64":
      return int64([], [value]);
    case "int32":
      return tensor("int32", [], Int32Array.of(value));
    case "bool":
    case "uint8":
      return tensor(dtype, [], Uint8Array.of(value));
    default:
      throw internal(`a constant of type ${dtype}`);
  }
}

/** The numbers of small constants; undefined for types that no attribute-like input has. */
function numbersIn(dtype: DType, bytes: Uint8Array): number[] | undefined {
  const { buffer } = bytes.slice();
  switch (dtype) {
    case "int64":
      return Array.from(new BigInt64Array(buffer), Number);
    case "int32":
      return [...new Int32Array(buffer)];
    case "float32":
      return [...new Float32Array(buffer)];
    case "float64":
      return [...new Float64Array(buffer)];
    case "bool":
    case "uint8":
      return [...bytes];
    default:
      return undefined;
  }
}
