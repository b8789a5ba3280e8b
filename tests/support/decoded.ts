// What the codes of a quantized model stand for, decoded by the definitions of the formats and not by the nodes in the file.

import { mapGraphs } from "../../src/ir/map.js";
import type { Graph, Initializer, Model } from "../../src/ir/model.js";
import { everyGraph } from "../../src/ir/traverse.js";
import { levelsOf } from "../../src/quantize/codes.js";
import { blockCut, type Cut, channelCut, tensorCut } from "../../src/quantize/cut.js";
import { formats } from "../../src/quantize/formats/index.js";
import type { Settings } from "../../src/quantize/options.js";
import { prepare } from "../../src/quantize/prepare.js";
import { DTYPES } from "../../src/tensor/dtype.js";
import { FLOAT_FORMATS } from "../../src/tensor/float-formats.js";
import { packingFor, unpackCodes } from "../../src/tensor/packing.js";
import { float32, type Tensor } from "../../src/tensor/tensor.js";
import { collectWeights, type Weight } from "../../src/weights/weights.js";

const bytesIn = async (part: Initializer | undefined): Promise<Uint8Array> => {
  if (part === undefined || !("data" in part)) throw new Error("a part is missing");
  return (await part.data.read()).slice();
};

/** Numbers of a constant of any type but 8-bit floats, which are codes here. */
async function numbersIn(part: Initializer): Promise<Float64Array> {
  const bytes = await bytesIn(part);
  const { dtype } = part;
  const width = DTYPES[dtype].bits / 8;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float64Array.from({ length: bytes.byteLength / width }, (_, i) => {
    if (dtype === "float32") return view.getFloat32(4 * i, true);
    if (dtype === "float16") return FLOAT_FORMATS[dtype].decode(view.getUint16(2 * i, true));
    if (dtype === "int8") return view.getInt8(i);
    return view.getUint8(i);
  });
}

/** `model` with each weight that `made` quantized replaced by what its codes stand for. */
export async function decodedWeights(model: Model, made: Model, settings: Settings) {
  const constants = new Map<string, Initializer>();
  for (const graph of everyGraph(made)) for (const [name, part] of graph.initializers) constants.set(name, part);
  const prepared = await prepare(model);
  const replaced = new Map<string, Initializer>();
  for (const weight of collectWeights(prepared)) {
    const values = await valuesOf(weight, constants, settings);
    if (values) replaced.set(weight.name, float32(weight.tensor.dims, values));
  }
  const result = await mapGraphs(prepared, (graph: Graph) => ({
    ...graph,
    initializers: new Map([...graph.initializers].map(([name, value]) => [name, replaced.get(name) ?? value])),
  }));
  const of = (name: string) => replaced.get(name) as Tensor;
  return { model: result, replaced: replaced.size, of };
}

async function valuesOf(weight: Weight, constants: ReadonlyMap<string, Initializer>, settings: Settings) {
  const part = (suffix: string) => constants.get(`${weight.name}_${suffix}`);
  const half = part("float16");
  if (half) return Float32Array.from(await numbersIn(half));
  const { bfloat16 } = FLOAT_FORMATS;
  if (part("bfloat16_high")) {
    // The exponent; the sign and the fraction.
    const [high, low] = [await bytesIn(part("bfloat16_high")), await bytesIn(part("bfloat16_low"))];
    return Float32Array.from(high, (exponent, at) =>
      bfloat16.decode(((low[at]! & 128) << 8) | (exponent << 7) | (low[at]! & 127)),
    );
  }
  const { format, symmetric, entries, group } = settings;
  const first = part("quantized") ?? part("quantized_0") ?? part("quantized_high");
  if (first === undefined) return undefined;
  const scale = part("scale");
  const granularity = settings.granularity === "auto" ? format.granularity : settings.granularity;
  const cut =
    granularity === "block"
      ? blockCut(weight, settings)
      : granularity === "tensor"
        ? tensorCut(weight)
        : channelCut(weight);
  // Rows too short for blocks: 8 bits a channel.
  const eight = "obstacle" in cut && settings.granularity === "auto";
  const where: Cut = "obstacle" in cut ? channelCut(weight) : cut;
  const used = eight ? formats.get(format.low === 0 ? "uint8" : "int8") : format;
  const n = weight.elements;
  const tensorScale = part("tensor_scale") ? (await numbersIn(part("tensor_scale")!))[0]! : 1;
  /** Codes of 16 bits stand in two constants, one for each byte. */
  const wide = async (suffix: string) => {
    const high = part(`${suffix}_high`);
    if (high === undefined) return part(suffix) && (await numbersIn(part(suffix)!));
    const low = await numbersIn(part(`${suffix}_low`)!);
    return (await numbersIn(high)).map((byte, at) => 256 * byte + low[at]!);
  };
  const zeros = await wide("zero_point");
  let numbers: (at: number, place: number) => number;
  if (used.kind === "integer" && used.bits >= 8) {
    const codes = (await wide("quantized"))!;
    numbers = (at, place) => codes[at]! - (zeros ? zeros[zeros.length === 1 ? 0 : place]! : 0);
  } else {
    const planes: Uint8Array[] = [];
    if (part("quantized")) planes.push(await bytesIn(first));
    else for (let at = 0; part(`quantized_${at}`); at++) planes.push(await bytesIn(part(`quantized_${at}`)!));
    const codes = unpackCodes(
      packingFor(levelsOf(used, entries)),
      Uint8Array.from(planes.flatMap((plane) => [...plane])),
      n,
    );
    if (used.kind === "learned") {
      const book = await numbersIn(part("codebook")!.dtype === "int32" ? part("codebook_1")! : part("codebook")!);
      const first = (place: number) => (book.length === entries ? 0 : Math.floor(place / group) * entries);
      numbers = (at, place) => book[first(place) + codes[at]!]! * tensorScale;
    } else if (used.kind === "integer") {
      const middle = symmetric ? 2 ** (used.bits - 1) : 0;
      numbers = (at, place) => codes[at]! - (zeros ? zeros[place]! : middle);
    } else numbers = (at) => used.decode(codes[at]!);
  }
  const scales = scale && (await scaleValues(scale, format.fixed?.scales));
  return Float32Array.from({ length: n }, (_, at) => {
    const place = placeOf(where, at);
    const factor = scales ? Math.fround(scales[scales.length === 1 ? 0 : place]! * tensorScale) : 1;
    return Math.fround(Math.fround(numbers(at, place)) * factor);
  });
}

async function scaleValues(scale: Initializer, coded: "float8e8m0" | "float8e4m3fn" | undefined) {
  const numbers = await numbersIn(scale);
  return coded && scale.dtype === "uint8" ? numbers.map((code) => FLOAT_FORMATS[coded].decode(code)) : numbers;
}

/** Which scale (or channel) an element belongs to. */
function placeOf({ columns, along, block, repeats, granularity }: Cut, at: number): number {
  if (granularity === "tensor") return 0;
  const row = Math.floor(at / columns);
  const column = at % columns;
  if (repeats !== undefined) return row % repeats;
  if (along === "rows") return Math.floor(row / block) * columns + column;
  return row * Math.ceil(columns / block) + (block >= columns ? 0 : Math.floor(column / block));
}
