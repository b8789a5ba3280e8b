// Weights that stand in the file as codes, with nodes of constants alone that decode them: what the codes stand for, found by
// following the shapes. Runs nothing and reads no large constant.

import { intOf, intsOf } from "../ir/attributes.js";
import type { Initializer, Node } from "../ir/model.js";
import { DTYPES, type DType, dtypeOfCode, elementCount } from "../tensor/dtype.js";
import type { BodyValue, Constant, Surroundings } from "./constants.js";

/** A float value that is the same at every run, made of codes among others. */
export interface Decoded {
  readonly elements: number;
  /** The nodes that make it, with the body each stands in; in no order. */
  readonly makers: ReadonlyMap<Node, Surroundings>;
  /** Elements of a value on the way to it; undefined: not known. */
  sizeOf(name: string, within: Surroundings): number | undefined;
}

export interface DecodedWeights {
  readonly weights: readonly Decoded[];
  /** What these are made of and nothing else uses: codes, scales, tables, masks. */
  readonly parts: ReadonlySet<Constant>;
}

export function decodedWeights(all: readonly Constant[]): DecodedWeights {
  const folded = new Folded();
  const ends = folded.ends(all.filter(({ dtype, sparse }) => isCode(dtype) && !sparse));
  const sizeOf = (name: string, within: Surroundings) => {
    const shape = folded.shapeOf(within.valueOf(name));
    return shape && elementCount(shape.dims);
  };
  const weights = [...ends].flatMap((value): Decoded[] => {
    const shape = folded.shapeOf(value);
    if (shape === undefined || DTYPES[shape.dtype].kind !== "float") return [];
    const { makers, values } = folded.originOf(value);
    // A tied weight, once as it is and once transposed.
    const again = values.some((one) => one !== value && ends.has(one));
    return [{ elements: again ? 0 : elementCount(shape.dims), makers, sizeOf }];
  });
  const nodes = new Set(weights.flatMap(({ makers }) => [...makers.keys()]));
  const parts = all.filter(({ uses }) => uses.length > 0 && uses.every(({ node }) => nodes.has(node)));
  return { weights, parts: new Set(parts) };
}

export const isCode = (dtype: DType | undefined): boolean =>
  dtype !== undefined && /^u?int/.test(dtype) && DTYPES[dtype].bits <= 8;

interface Shape {
  readonly dtype: DType;
  readonly dims: readonly number[];
}

/** What a model computes of constants alone. */
class Folded {
  readonly #known = new Map<Node, boolean>();
  readonly #shapes = new Map<BodyValue, Shape | undefined>();

  /** The values at which what is made of these constants alone meets the rest of the model. */
  ends(constants: readonly Constant[]): ReadonlySet<BodyValue> {
    const given = new Set(constants.flatMap(({ name, within }) => within.valueOf(name) ?? []));
    const seen = new Set(given);
    const ends = new Set<BodyValue>();
    for (const value of seen) {
      for (const { node, within } of value.uses) {
        if (!this.folds(node, within)) {
          if (!given.has(value)) ends.add(value);
        } else for (const output of node.outputs) seen.add(within.valueOf(output)!);
      }
    }
    return ends;
  }

  private folds(node: Node, within: Surroundings): boolean {
    let made = this.#known.get(node);
    if (made === undefined) {
      const known = node.domain === "" && node.opType in SHAPES;
      made = known && node.inputs.every((name) => name === "" || this.isFixed(within.valueOf(name)));
      this.#known.set(node, made);
    }
    return made;
  }

  private isFixed(value: BodyValue | undefined): boolean {
    if (value?.constant) return true;
    return value?.maker !== undefined && this.folds(value.maker, value.within);
  }

  /** All that a value is made of. */
  originOf(value: BodyValue): {
    readonly makers: ReadonlyMap<Node, Surroundings>;
    readonly values: readonly BodyValue[];
  } {
    const makers = new Map<Node, Surroundings>();
    const values = new Set([value]);
    for (const { constant, maker, within } of values) {
      if (constant || maker === undefined) continue;
      makers.set(maker, within);
      for (const name of maker.inputs) if (name !== "") values.add(within.valueOf(name)!);
    }
    return { makers, values: [...values] };
  }

  /** Undefined: not known. */
  shapeOf(value: BodyValue | undefined): Shape | undefined {
    if (value === undefined || this.#shapes.has(value)) return value && this.#shapes.get(value);
    const { constant, maker, within } = value;
    const input = (at: number) => within.valueOf(maker?.inputs[at] ?? "");
    const shape =
      constant ??
      (maker &&
        SHAPES[maker.opType]?.(
          maker,
          (at) => this.shapeOf(input(at)),
          (at) => numbersOf(input(at)?.constant),
        ));
    const known = shape && { dtype: shape.dtype, dims: shape.dims };
    this.#shapes.set(value, known);
    return known;
  }
}

/** What is in memory suffices: shapes are never left in the file. */
function numbersOf(tensor: Initializer | undefined): readonly number[] | undefined {
  const bytes = tensor && "data" in tensor ? tensor.data.bytes : undefined;
  if (tensor?.dtype !== "int64" || bytes === undefined) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.byteLength / 8 }, (_, at) => Number(view.getBigInt64(8 * at, true)));
}

type Rule = (
  node: Node,
  shape: (input: number) => Shape | undefined,
  numbers: (input: number) => readonly number[] | undefined,
) => Shape | undefined;

const same: Rule = (_, shape) => shape(0);

/** The larger size of each axis, axes counted from the last; the type of input `typed`. */
const broadcast =
  (typed: number): Rule =>
  (node, shape) => {
    const shapes = node.inputs.map((_, at) => shape(at));
    if (shapes.some((one) => one === undefined)) return undefined;
    const rank = Math.max(...shapes.map((one) => one!.dims.length));
    const dims = Array.from({ length: rank }, (_, axis) =>
      Math.max(...shapes.map((one) => one!.dims[axis - rank + one!.dims.length] ?? 1)),
    );
    return { dtype: shapes[typed]!.dtype, dims };
  };

/** The operators that decode, those of other tools among them; a weight made by another is counted as it stands. */
const SHAPES: Readonly<Record<string, Rule>> = {
  Identity: same,
  CumSum: same,
  ScatterElements: same,
  Cast(node, shape) {
    const given = shape(0);
    return given && { dtype: dtypeOfCode(intOf(node, "to", 0)), dims: given.dims };
  },
  Add: broadcast(0),
  Sub: broadcast(0),
  Mul: broadcast(0),
  Div: broadcast(0),
  Max: broadcast(0),
  BitShift: broadcast(0),
  BitwiseAnd: broadcast(0),
  Where: broadcast(1),
  Gather(node, shape) {
    const [data, index] = [shape(0), shape(1)];
    if (!data || !index) return undefined;
    const axis = intOf(node, "axis", 0);
    const at = axis < 0 ? axis + data.dims.length : axis;
    return { dtype: data.dtype, dims: [...data.dims.slice(0, at), ...index.dims, ...data.dims.slice(at + 1)] };
  },
  Concat(node, shape) {
    const shapes = node.inputs.map((_, at) => shape(at));
    const [first] = shapes;
    if (!first || shapes.some((one) => one === undefined)) return undefined;
    const axis = intOf(node, "axis", 0);
    const at = axis < 0 ? axis + first.dims.length : axis;
    const total = shapes.reduce((sum, one) => sum + one!.dims[at]!, 0);
    return { dtype: first.dtype, dims: first.dims.map((size, i) => (i === at ? total : size)) };
  },
  ConstantOfShape(node, _, numbers) {
    const value = node.attributes.get("value");
    const dims = numbers(0);
    return dims && { dtype: value?.type === "tensor" ? value.value.dtype : "float32", dims };
  },
  Reshape(node, shape, numbers) {
    const [given, sizes] = [shape(0), numbers(1)];
    if (!given || !sizes) return undefined;
    const dims = sizes.map((size, at) => (size === 0 && intOf(node, "allowzero", 0) === 0 ? given.dims[at]! : size));
    const known = elementCount(dims.filter((size) => size >= 0));
    return { dtype: given.dtype, dims: dims.map((size) => (size < 0 ? elementCount(given.dims) / known : size)) };
  },
  Slice(node, shape, numbers) {
    const given = shape(0);
    const starts = numbers(1) ?? intsOf(node, "starts");
    const ends = numbers(2) ?? intsOf(node, "ends");
    // Decoders cut the padding off the end: steps are 1.
    if (!given || !starts || !ends || node.inputs.length > 4) return undefined;
    const axes = numbers(3) ?? intsOf(node, "axes") ?? starts.map((_, axis) => axis);
    const dims = [...given.dims];
    for (const [i, axis] of axes.entries()) {
      const at = axis < 0 ? axis + dims.length : axis;
      const bound = (value: number) => Math.min(Math.max(value < 0 ? value + dims[at]! : value, 0), dims[at]!);
      dims[at] = Math.max(bound(ends[i]!) - bound(starts[i]!), 0);
    }
    return { dtype: given.dtype, dims };
  },
  Transpose(node, shape) {
    const given = shape(0);
    const order = intsOf(node, "perm") ?? given?.dims.map((_, axis) => axis).reverse();
    return given && { dtype: given.dtype, dims: order!.map((axis) => given.dims[axis]!) };
  },
};
