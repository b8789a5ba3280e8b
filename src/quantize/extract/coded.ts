// Codes of any number format as self-extracting weights: each plane of bytes is looked up in a table of the numbers that a byte
// holds, planes are added, zero points subtracted, scales multiplied, and the whole is given the weight's dimensions.

import type { AttributeInput } from "../../ir/attributes.js";
import type { Node } from "../../ir/model.js";
import { DTYPES, type DType } from "../../tensor/dtype.js";
import { derivedData, type TensorData, tensor } from "../../tensor/tensor.js";
import type { Weight } from "../../weights/weights.js";
import { type CodeLayout, channelsOf, groupSize, groupsOf, type PackedCodes, packedCodes } from "../codes.js";
import type { Workers } from "../computation.js";
import { scaleMatrix } from "../cut.js";
import type { ScaleFormat } from "../formats/index.js";
import { type Edits, makeNode, type Parts } from "../rewrite.js";
import { finish, isHalf, type Packed, packed } from "./extract.js";
import { type Decoding, decodingShapes } from "./shapes.js";
import { Shared } from "./shared.js";
import { blockIndex, digitTable, integers, levelsTable, scaleTable } from "./tables.js";

/** `opset`: of the model that the nodes are for, at least 7. */
export function packCoded(edits: Edits, workers: Workers, weight: Weight, layout: CodeLayout, opset: number): Packed {
  const made = packedCodes(workers, weight, layout);
  const chain = new Chain(edits, weight, layout, made, opset);
  const nodes = chain.decode();
  const { squaredError } = made;
  return { ...packed(chain.parts, finish(weight, nodes, chain.result)), squaredError };
}

class Chain {
  readonly parts: Parts[number][] = [];
  readonly result: string;
  readonly #nodes: Node[] = [];
  readonly #shared: Shared;
  readonly #place;
  readonly #shapes: Decoding;

  constructor(
    edits: Edits,
    private readonly weight: Weight,
    private readonly layout: CodeLayout,
    private readonly made: PackedCodes,
    private readonly opset: number,
  ) {
    this.#shared = Shared.of(edits);
    this.#place = { shared: this.#shared, graph: weight.graph };
    this.#shapes = decodingShapes(made.packing, layout.cut, weight.tensor.dims);
    this.result = isHalf(weight) ? this.#shared.fresh("decoded") : weight.name;
    // The names of what stands in the file tell the weight; those in between are short.
    this.name = (suffix) => edits.fresh(`${weight.name}_${suffix}`);
  }

  private readonly name: (suffix: string) => string;

  decode(): readonly Node[] {
    const { format } = this.layout;
    const { dims } = this.weight.tensor;
    const { view } = this.#shapes;
    const same = view.length === dims.length && view.every((size, axis) => size === dims[axis]);
    let steps = format.kind === "learned" ? this.numbersOf() : this.scaled();
    if (!same) steps = [...steps, ["Reshape", [this.integers(dims)]]];
    let value = "";
    for (const [at, [opType, inputs, attributes]] of steps.entries()) {
      const output = at === steps.length - 1 ? this.result : this.#shared.fresh("decode");
      this.#nodes.push(makeNode(opType, value === "" ? inputs : [value, ...inputs], [output], attributes, "", ""));
      value = output;
    }
    return this.#nodes;
  }

  private integers(values: readonly number[]): string {
    return integers(this.#place, values);
  }

  /** Numbers less their zero points, times their scales. */
  private scaled(): Step[] {
    const steps = this.numbersOf();
    const { scaleFormat } = this.layout;
    const { scales, zeroPoints, tensorScale } = this.made;
    if (zeroPoints) {
      const name = this.part("zero_point", "uint8", this.scaleDims(), zeroPoints);
      steps.push(["Sub", [this.spread(this.value("Cast", [name], { to: FLOAT }))]]);
    }
    const coded = scaleFormat === "float8e8m0" || scaleFormat === "float8e4m3fn";
    const name = this.part("scale", coded ? "uint8" : dtypeOf(scaleFormat), this.scaleDims(), scales!);
    let scale = name;
    if (coded) {
      const index = this.value("Cast", [name], { to: DTYPES.int32.code });
      scale = this.value("Gather", [scaleTable(this.#place, scaleFormat), index]);
    } else if (scaleFormat !== "float32") scale = this.value("Cast", [name], { to: FLOAT });
    if (tensorScale) scale = this.value("Mul", [scale, this.part("tensor_scale", "float32", [], tensorScale)]);
    steps.push(["Mul", [this.spread(scale)]]);
    return steps;
  }

  private scaleDims(): readonly number[] {
    return this.#shapes.spread === undefined ? this.#shapes.scales : scaleMatrix(this.layout.cut);
  }

  /** Where the last block is short: the scale of each row (or column) of the weight, from those of the blocks. */
  private spread(scale: string): string {
    const { spread } = this.#shapes;
    if (spread === undefined) return scale;
    const { rows, columns, block } = this.layout.cut;
    const index = blockIndex(this.#place, spread === 0 ? rows : columns, block);
    return this.value("Gather", [scale, index], { axis: spread });
  }

  /** The numbers that codes stand for, in the shape of `view`. */
  private numbersOf(): Step[] {
    const { format, symmetric, cut } = this.layout;
    const { planes, packing } = this.made;
    const { kind } = format;
    const whole = packing.planes.length === 1 && packing.planes[0]!.each === 1;
    if (whole && kind === "integer") {
      const bytes = symmetric ? flipped(planes[0]!) : planes[0]!;
      const codes = this.part("quantized", symmetric ? "int8" : "uint8", this.#shapes.planes[0]!.bytes, bytes);
      return this.shaped([["Cast", [codes], { to: FLOAT }]]);
    }
    const groups = kind === "learned" ? groupsOf(this.layout) : 1;
    const single = packing.planes.length === 1 && groups === 1;
    const offset = kind === "integer" && symmetric ? -(2 ** (format.bits - 1)) : 0;
    const steps = this.sumOfPlanes((at, dims) => {
      const plane = packing.planes[at]!;
      if (kind === "integer") return digitTable(this.#place, plane, dims, at === 0 ? offset : 0, "float32");
      if (!single) return digitTable(this.#place, plane, dims, 0, "int32");
      const levels = this.levels();
      if (plane.each === 1) return levels;
      const digits = digitTable(this.#place, plane, dims, 0, "int32");
      return kind === "learned"
        ? this.value("Gather", [levels, digits])
        : this.#shared.made(this.weight.graph, `table_${format.name}`, "Gather", [levels, digits]);
    });
    if (kind === "integer" || single) return steps;
    if (groups > 1) {
      const size = groupSize(cut, this.layout.group);
      const first = Int32Array.from(
        { length: channelsOf(cut) },
        (_, at) => Math.floor(at / size) * this.layout.entries,
      );
      const scales = this.#shapes.scales;
      const dims = scales.reduce((all, dim) => all * dim, 1) === first.length ? scales : [first.length];
      steps.push(["Add", [this.constant("codebook", tensor("int32", dims, first))]]);
    }
    const codes = this.run(steps);
    return [["Gather", [this.levels(), codes]]];
  }

  /** Table lookups of all planes, added, in the shape of `view`. */
  private sumOfPlanes(tableOf: (plane: number, dims: readonly number[]) => string): Step[] {
    const { planes, joined, padded } = this.#shapes;
    const terms = planes.map(({ bytes, table }, at) => {
      const suffix = planes.length > 1 ? `quantized_${at}` : "quantized";
      const codes = this.part(suffix, "uint8", bytes, this.made.planes[at]!);
      const index = this.value("Cast", [codes], { to: DTYPES.int32.code });
      const steps: Step[] = [["Gather", [tableOf(at, table), index]]];
      if (joined === "apart" && table.length > 0) steps.push(["Reshape", [this.integers([-1])]]);
      if (padded[at]) steps.push(this.firstOf(this.weight.elements));
      return steps;
    });
    const [first, ...others] = terms;
    const steps = [...first!, ...others.map((term): Step => ["Add", [this.run(term)]])];
    return joined === "none" ? steps : this.shaped(steps);
  }

  /** Planes of one number a byte already have their shape. */
  private shaped(steps: Step[]): Step[] {
    const { view, joined } = this.#shapes;
    return joined === "none" ? steps : [...steps, ["Reshape", [this.integers(view)]]];
  }

  /** Up to opset 9 the bounds of Slice were attributes. */
  private firstOf(count: number): Step {
    if (this.opset < 10) return ["Slice", [], { axes: [0], starts: [0], ends: [count] }];
    return ["Slice", [this.integers([0]), this.integers([count]), this.integers([0])]];
  }

  #levels: string | undefined;
  private levels(): string {
    const { format, scaleFormat, entries } = this.layout;
    const { levels } = this.made;
    if (levels === undefined) return levelsTable(this.#place, format);
    if (this.#levels !== undefined) return this.#levels;
    const { tensorScale } = this.made;
    let name = this.part("codebook", dtypeOf(scaleFormat), [groupsOf(this.layout) * entries], levels);
    if (scaleFormat !== "float32") name = this.value("Cast", [name], { to: FLOAT });
    if (tensorScale) name = this.value("Mul", [name, this.part("tensor_scale", "float32", [], tensorScale)]);
    this.#levels = name;
    return name;
  }

  private part(suffix: string, dtype: DType, dims: readonly number[], data: TensorData): string {
    return this.constant(suffix, { dtype, dims, data });
  }

  private constant(suffix: string, value: Parts[number][1]): string {
    const name = this.name(suffix);
    this.parts.push([name, value]);
    return name;
  }

  private value(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeInput>> = {},
  ): string {
    const output = this.#shared.fresh("decode");
    this.#nodes.push(makeNode(opType, inputs, [output], attributes, "", ""));
    return output;
  }

  /** Nodes for the steps, each taking what the one before gave as its first input. */
  private run(steps: readonly Step[]): string {
    let value: string | undefined;
    for (const [opType, inputs, attributes] of steps) {
      value = this.value(opType, value === undefined ? inputs : [value, ...inputs], attributes);
    }
    return value!;
  }
}

/** A node that takes the value before it as its first input (the first of all: none). */
type Step = readonly [
  opType: string,
  inputs: readonly string[],
  attributes?: Readonly<Record<string, AttributeInput>> | undefined,
];

const FLOAT = DTYPES.float32.code;

/** Codes that count from the lowest number, as two's complement: the highest bit turned over. */
function flipped(data: TensorData): TensorData {
  return derivedData(data.byteLength, async function* () {
    for await (const piece of data.stream()) yield piece.map((byte) => byte ^ 0x80);
  });
}

/** The element type that holds scales: what builds of the runtime with few Casts can cast, too. */
const dtypeOf = (format: ScaleFormat): DType => (format === "shared16" ? "float16" : (format as DType));
