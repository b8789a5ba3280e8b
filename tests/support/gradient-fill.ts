// The node of a gradient case with numbers for its inputs and constants, drawn from the case's name.

import { makeNode } from "../../src/ir/build.js";
import type { Node } from "../../src/ir/model.js";
import type { DType } from "../../src/tensor/dtype.js";
import { random } from "../../src/tensor/random.js";
import { int64, type Tensor, tensor } from "../../src/tensor/tensor.js";
import type { Numbers, Value } from "../../src/tensor/value.js";
import { type CaseConstant, type GradientCase, type Numbers64, normal } from "./gradients.js";

export interface Filled {
  /** What the case computes in. */
  readonly dtype: Float;
  readonly node: Node;
  readonly inputs: ReadonlyMap<string, Numbers64>;
  readonly constants: ReadonlyMap<string, CaseConstant>;
  /** Fixed numbers of the size of each input: the gradient of a direct use. */
  readonly direct: ReadonlyMap<string, Float64Array>;
}

export type Float = "float32" | "float64";

export function fill(operator: string, one: GradientCase, dtype: Float): Filled {
  const generator = random(seedOf(`${operator} ${one.name}`));
  const inputs = new Map<string, Numbers64>();
  const direct = new Map<string, Float64Array>();
  const rounded = (value: number) => (dtype === "float32" ? Math.fround(value) : value);
  for (const [name, input] of Object.entries(one.inputs)) {
    const { dims, ...how } = "dims" in input ? input : { dims: input, draw: normal };
    const count = dims.reduce((all, size) => all * size, 1);
    const values = "values" in how ? how.values : how.draw(generator, count);
    inputs.set(name, { dims, data: Float64Array.from(values, rounded) });
    direct.set(
      name,
      Float64Array.from({ length: count }, () => Math.fround(generator.normal())),
    );
  }
  return {
    dtype,
    node: nodeOf(operator, one),
    inputs,
    constants: new Map(Object.entries(one.constants ?? {})),
    direct,
  };
}

/** `out0`, `out1` ... are its outputs. */
function nodeOf(operator: string, one: GradientCase): Node {
  const [domain, opType] = operator.includes(":") ? operator.split(":") : ["", operator];
  const order = one.order ?? [...Object.keys(one.inputs), ...Object.keys(one.constants ?? {})];
  const outputs = Array.from({ length: one.outputs ?? 1 }, (_, index) => `out${index}`);
  return makeNode(opType!, order, outputs, { domain: domain!, attributes: one.attributes ?? {}, name: "under_test" });
}

export function constantTensor(value: CaseConstant, float: Float): Tensor {
  if (typeof value === "number") return tensor(float, [], numbersOf(float, [value]));
  if (!("dims" in value)) return int64([value.length], value);
  const dtype = value.dtype ?? float;
  return tensor(dtype, value.dims, numbersOf(dtype, value.values));
}

export function constantNumbers(value: CaseConstant): Numbers64 {
  if (typeof value === "number") return { dims: [], data: Float64Array.of(value) };
  if (!("dims" in value)) return { dims: [value.length], data: Float64Array.from(value) };
  return { dims: value.dims, data: Float64Array.from(value.values) };
}

export const asValue = ({ dims, data }: Numbers64, dtype: Float): Value => ({
  dtype,
  dims,
  data: numbersOf(dtype, data),
});

function numbersOf(dtype: DType, values: Iterable<number>): Numbers {
  switch (dtype) {
    case "float64":
      return Float64Array.from(values);
    case "float32":
      return Float32Array.from(values);
    case "int64":
      return BigInt64Array.from([...values].map(BigInt));
    case "int32":
      return Int32Array.from(values);
    case "int8":
      return Int8Array.from(values);
    case "uint8":
    case "bool":
      return Uint8Array.from(values);
    default:
      throw new Error(`no constants of type ${dtype} in gradient cases`);
  }
}

const seedOf = (text: string) =>
  [...text].reduce((hash, letter) => (Math.imul(hash, 31) + letter.charCodeAt(0)) | 0, 7);
