// How a weight is stored self-extracting: what shares a scale, in which type scales stand, and how it is decoded.

import type { Target } from "../../targets/target.js";
import { DTYPES } from "../../tensor/dtype.js";
import { packedBytes, packingFor } from "../../tensor/packing.js";
import type { Weight } from "../../weights/weights.js";
import { type CodeLayout, channelsOf, groupsOf, levelsOf, SCALE_BYTES } from "../codes.js";
import type { LinearLayout, Workers } from "../computation.js";
import { blockCut, type Cut, channelCut, scaleMatrix, tensorCut } from "../cut.js";
import { fitOf } from "../fitted/options.js";
import { formats, isPlain, type NumberFormat, type ScaleFormat } from "../formats/index.js";
import { COPIES } from "../heap.js";
import { linearLayout } from "../layout.js";
import type { Settings } from "../options.js";
import { inPlanes, packHalfPlanes } from "../packings/halves.js";
import { ranges } from "../ranges/index.js";
import type { Edits } from "../rewrite.js";
import { roundings } from "../rounding/index.js";
import { packCoded } from "./coded.js";
import type { Packed } from "./extract.js";
import { packHalf, packLinear } from "./linear.js";

export interface ExtractPlan {
  /** The format of its codes. */
  readonly format: NumberFormat;
  /** For Notes: "int4 codes in blocks of 32". */
  readonly text: string;
  /** Lowest opset of the default domain; 0: any from 7. */
  readonly opset: number;
  /** What the runtime needs beside the decoded weight while it decodes it, in float copies of it. */
  readonly copies: number;
  /** Bytes of codes, scales and what else decoding needs of it. */
  readonly bytes: number;
  pack(edits: Edits, workers: Workers): Packed;
}

/** What the model that the nodes are for can hold, and where it will run. */
export interface DecodingPlace {
  readonly opset: number;
  readonly target: Target;
}

export function planExtract(weight: Weight, settings: Settings, place: DecodingPlace): ExtractPlan {
  const { format } = settings;
  if (isPlain(format)) {
    const dtype = format.dtype === "bfloat16" ? "bfloat16" : "float16";
    const planes = inPlanes(dtype, settings.pack, weight);
    return {
      format,
      text: planes ? `${dtype} in two planes` : dtype,
      opset: 0,
      copies: planes ? COPIES.planes : COPIES.cast,
      bytes: 2 * weight.elements,
      pack: (edits, workers) =>
        planes ? packHalfPlanes(edits, workers, weight, dtype) : packHalf(edits, workers, weight),
    };
  }
  const granularity = settings.granularity === "auto" ? format.granularity : settings.granularity;
  if (granularity !== "block") return partsPlan(weight, settings, granularity, place);
  const cut = blockCut(weight, settings);
  if (!("obstacle" in cut)) return codedPlan(weight, settings, cut, place);
  if (settings.granularity === "block") return partsPlan(weight, settings, "channel", place);
  // Too narrow for blocks (a depthwise kernel, say): 8 bits with a scale a channel lose less and save enough.
  const name = format.low === 0 ? "uint8" : "int8";
  const symmetric = format.kind !== "integer" || settings.symmetric;
  const eight = { ...settings, format: formats.get(name), symmetric, range: "absmax", scales: "auto" } as const;
  const plan = partsPlan(weight, { ...eight, rounding: "nearest" }, "channel", place);
  return { ...plan, text: `${plan.text}: ${cut.obstacle}` };
}

/** One scale (or codebook) for all, or for each channel. */
function partsPlan(
  weight: Weight,
  settings: Settings,
  granularity: "tensor" | "channel",
  place: DecodingPlace,
): ExtractPlan {
  const { format, range, rounding, scales } = settings;
  const plainCodes = format.kind === "integer" && format.bits >= 8;
  if (plainCodes && range === "absmax" && rounding === "nearest" && (scales === "auto" || scales === "float32")) {
    const layout = linearLayout(weight, { ...settings, granularity });
    return {
      format,
      text: `${format.name} codes`,
      opset: 0,
      copies: COPIES.cast,
      bytes: linearBytes(weight, layout, format.bits / 8),
      pack: (edits, workers) => packLinear(edits, workers, weight, layout),
    };
  }
  const cut = granularity === "tensor" ? tensorCut(weight) : channelCut(weight);
  return codedPlan(weight, settings, cut, place);
}

function codedPlan(weight: Weight, settings: Settings, cut: Cut, place: DecodingPlace): ExtractPlan {
  const { format, symmetric, entries, group } = settings;
  const learned = format.kind === "learned";
  const many = cut.granularity === "block" || (learned && groupsOf({ cut, group }) > 1);
  const layout: CodeLayout = {
    cut,
    format,
    symmetric,
    range: ranges.get(settings.range).kernel(settings),
    rounding: roundings.get(settings.rounding).kernel(settings),
    fit: fitOf(settings),
    scaleFormat: scaleFormat(settings, many),
    entries,
    group,
  };
  const codes =
    packingFor(levelsOf(format, entries)).planes.length > 1 ? "planes" : format.bits === 8 ? "cast" : "table";
  return {
    format,
    text: textOf(layout),
    opset: 0,
    copies: COPIES[codes],
    bytes: codedBytes(weight, layout),
    pack: (edits, workers) => packCoded(edits, workers, weight, layout, place.opset),
  };
}

function linearBytes(weight: Weight, { axis, leading, asymmetric }: LinearLayout, width: number): number {
  const { dims } = weight.tensor;
  const scales = axis === undefined ? 1 : dims[axis]! * (leading ? dims.slice(0, axis).reduce((a, b) => a * b, 1) : 1);
  return weight.elements * width + scales * (floatBytes(weight) / weight.elements + (asymmetric ? width : 0));
}

function codedBytes(weight: Weight, layout: CodeLayout): number {
  const { cut, format, symmetric, entries } = layout;
  const codes = packedBytes(packingFor(levelsOf(format, entries)), weight.elements);
  const width = SCALE_BYTES[layout.scaleFormat];
  if (format.kind === "learned") {
    const groups = groupsOf(layout);
    return codes + groups * entries * width + (groups > 1 ? 4 * channelsOf(cut) : 0);
  }
  const [rows, columns] = scaleMatrix(cut);
  return codes + rows * columns * (width + (format.kind === "integer" && !symmetric ? 1 : 0));
}

function scaleFormat({ format, scales }: Settings, many: boolean): ScaleFormat {
  if (format.fixed) return format.fixed.scales;
  return scales === "float16" || (scales === "auto" && many) ? "shared16" : "float32";
}

function textOf(layout: CodeLayout): string {
  const { cut, format, entries } = layout;
  if (format.kind === "learned") {
    const groups = groupsOf(layout);
    return `codes of ${groups === 1 ? "a codebook" : `${groups} codebooks`} of ${entries} numbers`;
  }
  const parts = { tensor: "with one scale", channel: "with a scale a channel", block: `in blocks of ${cut.block}` };
  return `${format.name} codes ${parts[cut.granularity]}`;
}

/** Bytes of the weight as it is. */
export const floatBytes = (weight: Weight) => (weight.elements * DTYPES[weight.tensor.dtype].bits) / 8;

/** What the nodes and names of a decoded weight take in the file, about. */
export const overheadOf = (weight: Weight) => 250 + 3 * weight.name.length;
