// DequantizeLinear: the form in which tools and runtimes exchange quantized weights. It stands where the weight stood, so
// that every operator can use it; most runtimes run it at every run.

import { info, type Note, warning } from "../../base/note.js";
import { attribute, int } from "../../ir/attributes.js";
import type { Node } from "../../ir/model.js";
import type { DType } from "../../tensor/dtype.js";
import { bytesData, derivedData, type TensorData } from "../../tensor/tensor.js";
import { isProduct, isTable } from "../../weights/matrix.js";
import type { Weight } from "../../weights/weights.js";
import { packedCodes } from "../codes.js";
import { linearCodes, type Workers } from "../computation.js";
import { blockCut, type Cut, channelCut, scaleMatrix, tensorCut } from "../cut.js";
import { linearLayout } from "../layout.js";
import type { Settings } from "../options.js";
import { type Edits, makeNode, type Parts } from "../rewrite.js";
import { searchOf } from "./codes.js";
import { bytesOf, defineNativeForm } from "./form.js";

export const dequantizeLinear = defineNativeForm({
  name: "DequantizeLinear",
  summary: "Weights behind a DequantizeLinear: read by other tools and runtimes, decoded at every run by most",
  reference: "https://onnx.ai/onnx/operators/onnx__DequantizeLinear.html",
  serves: ({ format }) => since(format.dtype) !== undefined,
  reads: "integers of 2, 4, 8 and 16 bits and float8, of any operator",
  slow: ({ format }, target) =>
    format.dtype && target.fast.dequantizeLinear.includes(format.dtype) ? undefined : { row: "dequantizeLinear" },
  plan(weight, settings) {
    const cut = cutOf(weight, settings);
    if ("obstacle" in cut) return cut;
    if (settings.format.bits === 16 && cut.granularity === "block") return { obstacle: "16-bit codes have no blocks" };
    const place = placeOf(cut, weight);
    if ("obstacle" in place) return place;
    if (settings.scales !== "auto" && settings.scales !== weight.tensor.dtype) {
      return { obstacle: `DequantizeLinear has scales of the type of its result, ${weight.tensor.dtype}` };
    }
    const dtype = settings.format.dtype!;
    // A scale for each block came with opset 21, float16 results with 19, a scale for each channel with 13.
    const needed = [since(dtype)!, place.block === undefined ? 13 : 21, weight.tensor.dtype === "float16" ? 19 : 0];
    return {
      operators: ["DequantizeLinear"],
      opset: Math.max(...needed),
      microsoft: 0,
      misaligned: [],
      pack: (edits, workers) => {
        const { parts, node } = packed(edits, weight, settings, cut, place, workers);
        edits.replaceConstant(weight.graph, weight.name, parts);
        edits.prepend(weight.graph, [node]);
        statePermutations(edits, weight);
        return { what: `${dtype}-dequantize`, bytes: bytesOf(parts), notes: notesOf(weight, settings, cut) };
      },
    };
  },
});

/** The opset that brought an element type to DequantizeLinear; undefined: none did, or ONNX Runtime has no kernel for it. */
function since(dtype: DType | undefined): number | undefined {
  switch (dtype) {
    case "int8":
    case "uint8":
      return 10;
    case "float8e4m3fn":
    case "float8e4m3fnuz":
    case "float8e5m2":
    case "float8e5m2fnuz":
      return 19;
    case "int4":
    case "uint4":
    case "int16":
    case "uint16":
      return 21;
    case "int2":
    case "uint2":
      return 25;
    default:
      return undefined;
  }
}

function cutOf(weight: Weight, settings: Settings): Cut | { readonly obstacle: string } {
  const { granularity } = settings;
  if (granularity === "auto") {
    // Kernels of a Conv are cut over several axes at once, and a recurrent layer has channels in each direction: no place
    // for their scales in a DequantizeLinear, which has one axis.
    const order = settings.format.granularity === "block" ? (["block", "channel"] as const) : (["channel"] as const);
    for (const finer of order) {
      const cut = cutOf(weight, { ...settings, granularity: finer });
      if (!("obstacle" in cut || "obstacle" in placeOf(cut, weight))) return cut;
    }
    return tensorCut(weight);
  }
  if (granularity === "tensor") return tensorCut(weight);
  if (granularity === "channel") return channelCut(weight);
  return blockCut(weight, settings);
}

interface ScalePlace {
  readonly dims: readonly number[];
  readonly axis?: number;
  readonly block?: number;
}

/** How scales stand for DequantizeLinear: one, one an index of an axis, or one a block of one axis. */
function placeOf(cut: Cut, weight: Weight): ScalePlace | { readonly obstacle: string } {
  const { dims } = weight.tensor;
  const [rows, columns] = scaleMatrix(cut);
  if (cut.granularity === "tensor") return { dims: [] };
  const rank = dims.length;
  if (cut.granularity === "channel") {
    // Axes of one element after the channels (a 1x1 kernel of ConvTranspose) are none of their own.
    const last = Math.max(
      dims.findLastIndex((size) => size > 1),
      0,
    );
    const axis = cut.repeats === undefined && cut.along === "rows" ? last : axisOfRows(cut, dims);
    // Directions of a recurrent layer are an axis of their own.
    if (axis === undefined) return { obstacle: "its scales lie along two axes, and DequantizeLinear has one" };
    return { dims: [rows * columns], axis };
  }
  if (cut.along === "columns") {
    if (cut.columns !== dims[rank - 1])
      return { obstacle: "its blocks lie across several axes, and DequantizeLinear has one" };
    return { dims: [...dims.slice(0, -1), columns], axis: rank - 1, block: cut.block };
  }
  const depth = dims[rank - 2]!;
  return {
    dims: [...dims.slice(0, -2), Math.ceil(depth / cut.block), dims[rank - 1]!],
    axis: rank - 2,
    block: cut.block,
  };
}

function axisOfRows({ rows, repeats }: Cut, dims: readonly number[]): number | undefined {
  const channels = repeats ?? rows;
  let outer = rows / channels;
  const axis = dims.findIndex((size) => {
    if (outer === 1 && size === channels) return true;
    outer /= size;
    return false;
  });
  return axis < 0 ? undefined : axis;
}

function packed(
  edits: Edits,
  weight: Weight,
  settings: Settings,
  cut: Cut,
  place: ScalePlace,
  workers: Workers,
): { readonly parts: Parts; readonly node: Node } {
  const { format, symmetric } = settings;
  const dtype = format.dtype!;
  const signed = dtype.startsWith("int");
  const linear = isLinear(settings, cut);
  const made: Made = linear
    ? linearCodes(workers, weight, linearLayout(weight, { ...settings, granularity: cut.granularity }))
    : blockwise(workers, weight, settings, cut);
  // Codes count from the lowest number on; of signed types the topmost bit is turned.
  const turn = (bytes: Uint8Array) => bytes.map((byte) => byte ^ TOPMOST[format.bits]!);
  const changed = (data: TensorData) => (signed && !linear ? mapped(data, turn) : data);
  const name = (suffix: string) => edits.fresh(`${weight.name}_${suffix}`);
  const [codes, scale] = [name("quantized"), name("scale")];
  const parts: Parts[number][] = [
    [codes, { dtype, dims: weight.tensor.dims, data: changed(made.codes) }],
    [scale, { dtype: weight.tensor.dtype, dims: place.dims, data: made.scales }],
  ];
  const inputs = [codes, scale];
  const count = place.dims.reduce((all, dim) => all * dim, 1);
  const middle = 2 ** (format.bits - 1);
  if (format.kind === "integer" && !(signed && symmetric)) {
    const zeros = made.zeroPoints ?? repeated(middle, count, format.bits);
    const zero = name("zero_point");
    const data = format.bits >= 8 ? zeros : packedTogether(zeros, count, 8 / format.bits, format.bits);
    parts.push([zero, { dtype, dims: place.dims, data: changed(data) }]);
    inputs.push(zero);
  }
  const attributes = {
    axis: place.axis === undefined ? undefined : int(place.axis),
    block_size: place.block === undefined ? undefined : int(place.block),
  };
  return { parts, node: makeNode("DequantizeLinear", inputs, [weight.name], attributes) };
}

/**
 * A Transpose without perm turns all axes round. Behind a DequantizeLinear it ends the process of ONNX Runtime 1.30 (its
 * optimizer takes the missing attribute for there): so it is written out.
 */
function statePermutations(edits: Edits, weight: Weight): void {
  const seen = new Set<Node>();
  for (const { node, path, ranks, view } of weight.consumers) {
    for (const [at, passed] of [...path, ...(node ? [node] : [])].entries()) {
      if (passed.opType !== "Transpose" || passed.attributes.has("perm") || seen.has(passed)) continue;
      seen.add(passed);
      const rank = ranks[at] ?? view.axes.length;
      const perm = attribute(Array.from({ length: rank }, (_, axis) => rank - 1 - axis));
      edits.replaceNode(passed, [{ ...passed, attributes: new Map([...passed.attributes, ["perm", perm]]) }]);
    }
  }
}

interface Made {
  readonly codes: TensorData;
  readonly scales: TensorData;
  readonly zeroPoints?: TensorData;
}

/**
 * 8 and 16-bit codes of channels or tensors have a range without the lowest code and scales above 0, which integer kernels expect; the
 * codes of blocks are those of MatMulNBits, whose scales may be negative.
 */
const isLinear = ({ format, range, rounding }: Settings, { granularity }: Cut) =>
  format.kind === "integer" &&
  format.bits >= 8 &&
  granularity !== "block" &&
  (format.bits === 16 || (range === "absmax" && rounding === "nearest"));

function blockwise(workers: Workers, weight: Weight, settings: Settings, cut: Cut): Made {
  const { format, symmetric, entries, group } = settings;
  const scaleFormat = weight.tensor.dtype;
  const layout = { cut, format, symmetric, scaleFormat, entries, group, ...searchOf(settings) };
  const { planes, scales, zeroPoints } = packedCodes(workers, weight, layout);
  return { codes: planes[0]!, scales: scales!, ...(zeroPoints && { zeroPoints }) };
}

/** The topmost bit of each code in a byte. */
const TOPMOST: Readonly<Record<number, number>> = { 8: 0x80, 4: 0x88, 2: 0xaa };

const mapped = (data: TensorData, change: (bytes: Uint8Array) => Uint8Array): TensorData =>
  derivedData(data.byteLength, async function* () {
    for await (const piece of data.stream()) yield change(piece);
  });

/** One code for all, 16-bit ones in two bytes. */
const repeated = (code: number, count: number, bits: number): TensorData => {
  const codes = (bits === 16 ? new Uint16Array(count) : new Uint8Array(count)).fill(code);
  return bytesData(new Uint8Array(codes.buffer));
};

/** Codes, one a byte, `each` together in one, low bits first. */
function packedTogether(codes: TensorData, count: number, each: number, bits: number): TensorData {
  return derivedData(Math.ceil(count / each), async function* () {
    const bytes = await codes.read();
    const made = new Uint8Array(Math.ceil(count / each));
    for (let at = 0; at < count; at++) made[Math.floor(at / each)]! |= bytes[at]! << (bits * (at % each));
    yield made;
  });
}

function notesOf(weight: Weight, { format }: Settings, cut: Cut): Note[] {
  const parts = { tensor: "one scale", channel: "a scale for each channel", block: `blocks of ${cut.block}` };
  const text = `"${weight.name}" is stored as ${format.name} with ${parts[cut.granularity]} behind a DequantizeLinear.`;
  const notes = [info("quantized-dequantize", text, weight.name)];
  if (weight.consumers.some(isTable)) {
    const slow = `The whole table "${weight.name}" is decoded at every run, whatever rows are asked for; form auto avoids that.`;
    notes.push(warning("slow-form", slow, weight.name));
  }
  if (format.name.endsWith("int8") && cut.granularity !== "block" && weight.consumers.some(isProduct)) {
    const rounds = `onnxruntime on the CPU may fuse "${weight.name}" with its product, and then rounds the activations to 8 bits too.`;
    notes.push(info("rounds-activations", rounds, weight.name));
  }
  return notes;
}
