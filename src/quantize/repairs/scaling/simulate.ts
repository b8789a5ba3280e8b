// A weight as the scheme will make of it: quantized by the kernels that will write it, and decoded again.

import { floats } from "../../../kernels/numbers.js";
import type { StepContext } from "../../../step/step.js";
import { packingFor } from "../../../tensor/packing.js";
import type { Weight } from "../../../weights/weights.js";
import { type CodeLayout, gridFor } from "../../codes.js";
import type { Workers } from "../../computation.js";
import { blockCut, type Cut, channelCut, tensorCut } from "../../cut.js";
import { channelsOf, encodeWeight, groupSize, groupsOf } from "../../encode-weight.js";
import { formats, isPlain } from "../../formats/index.js";
import type { Settings } from "../../options.js";
import { ranges } from "../../ranges/index.js";
import { roundings } from "../../rounding/index.js";
import { ordersOf } from "../../static/saturation.js";
import { codesAt, type FitOptions, fit } from "../../static/weight-fit.js";
import { mayPairsSaturate } from "../../static/weights-of-plan.js";
import { isStatic } from "../repair.js";

/** A weight, and which way products read it: [channels, outputs] or [outputs, channels]. */
export interface Seen {
  readonly weight: Weight;
  readonly along: "rows" | "columns";
}

/** In float32, in the weight's own order. Formats of 16 bits are taken as they are. */
export async function simulated(
  context: Workers & Pick<StepContext, "target">,
  { weight, along }: Seen,
  settings: Settings,
): Promise<Float32Array> {
  if (isPlain(settings.format) || settings.format.bits > 8) return numbersOf(weight);
  const layout = layoutOf(weight, settings);
  const saturates = mayPairsSaturate(settings, context.target);
  if (isStatic(settings)) return fitted(await numbersOf(weight), weight, along, settings, saturates);
  // Integer products of the dynamic scheme keep one bit free where neighbours may saturate.
  if (isLinear(layout)) {
    return linear(await numbersOf(weight), layout, saturates && settings.activations === "dynamic" ? 2 : 1);
  }
  // One code a byte, whatever its bits: nothing is packed that would be unpacked at once.
  const { encoded, levels, tensorScale } = await encodeWeight(context, weight, layout, packingFor(256));
  const codes = encoded.planes[0]!;
  const { format, entries, cut } = layout;
  const values = new Float32Array(weight.elements);
  const place = placesOf(cut);
  if (levels !== undefined) {
    const size = groupsOf(layout) === 1 ? Number.POSITIVE_INFINITY : groupSize(cut, layout.group);
    for (let at = 0; at < values.length; at++) {
      values[at] = levels[Math.floor(place(at) / size) * entries + codes[at]!]!;
    }
    return values;
  }
  const grid = gridFor(layout);
  const low = grid.kind === "integer" ? grid.low : 0;
  const decode =
    grid.kind === "integer"
      ? undefined
      : Float32Array.from({ length: 2 ** format.bits }, (_, code) => decoded(format, code));
  const { scales, zeroPoints } = encoded;
  for (let at = 0; at < values.length; at++) {
    const part = scales.length === 1 ? 0 : place(at);
    const code = codes[at]!;
    const number = decode ? decode[code]! : code + (zeroPoints ? -zeroPoints[part]! : low);
    values[at] = number * scales[part]! * tensorScale;
  }
  return values;
}

/** Whole bytes with a scale for channels or the tensor: what the schemes of integer products store. */
const isLinear = ({ format, cut, range }: CodeLayout) =>
  format.kind === "integer" && format.bits === 8 && cut.granularity !== "block" && range.kind === "absmax";

/** Channel after channel (or all at once), as the static scheme finds scales; biases apart. */
function fitted(
  values: Float32Array,
  { tensor }: Weight,
  along: Seen["along"],
  settings: Settings,
  saturates: boolean,
): Float32Array {
  const channels = tensor.dims[along === "rows" ? 0 : 1]!;
  const outputs = values.length / channels;
  const place = (output: number, channel: number) =>
    along === "rows" ? channel * outputs + output : output * channels + channel;
  const { percentile, rangeSteps } = settings;
  const range = settings.range as FitOptions["range"];
  const options = { range, percentile, rangeSteps, orders: saturates ? ordersOf("matrix", [channels]) : [] };
  const each = settings.granularity === "tensor" ? outputs : 1;
  const made = new Float32Array(values.length);
  for (let first = 0; first < outputs; first += each) {
    const part = new Float32Array(each * channels);
    for (let at = 0; at < part.length; at++) {
      part[at] = values[place(first + Math.floor(at / channels), at % channels)]!;
    }
    const rows = { values: part, length: channels };
    const { scale } = fit(rows, 0, options);
    const codes = codesAt(rows, scale, options);
    for (let at = 0; at < part.length; at++) {
      made[place(first + Math.floor(at / channels), at % channels)] = codes[at]! * scale;
    }
  }
  return made;
}

/**
 * Symmetric codes leave out the lowest, so that a number and its negative are equally far. `coarser`: how much wider a step
 * is than the codes would allow.
 */
function linear(values: Float32Array, { format, symmetric, cut }: CodeLayout, coarser: number): Float32Array {
  const place = placesOf(cut);
  const count = cut.granularity === "tensor" ? 1 : channelsOf(cut);
  const [low, high] = [new Float64Array(count), new Float64Array(count)];
  for (const [at, value] of values.entries()) {
    const part = place(at);
    if (value < low[part]!) low[part] = value;
    if (value > high[part]!) high[part] = value;
  }
  const levels = 2 ** format.bits - 1;
  return values.map((value, at) => {
    const part = place(at);
    const width = symmetric ? 2 * Math.max(high[part]!, -low[part]!) : high[part]! - low[part]!;
    const scale = (coarser * width) / (symmetric ? levels - 1 : levels);
    return scale === 0 ? 0 : Math.round(value / scale) * scale;
  });
}

/** The numbers of a weight as they are, in float32. */
export async function numbersOf({ tensor }: Weight): Promise<Float32Array> {
  return floats((await tensor.data.read()).slice(), tensor.dtype);
}

const decoded = (format: Settings["format"], code: number) => {
  const number = format.decode(code);
  return Number.isFinite(number) ? number : 0;
};

function layoutOf(weight: Weight, settings: Settings): CodeLayout {
  const { format, entries, group } = settings;
  const granularity = settings.granularity === "auto" ? format.granularity : settings.granularity;
  const blocks = granularity === "block" ? blockCut(weight, settings) : undefined;
  if (blocks && "obstacle" in blocks && settings.granularity === "auto") {
    // Too narrow for blocks: stored with 8 bits a channel.
    const eight = formats.get(format.low === 0 ? "uint8" : "int8");
    return layoutOf(weight, { ...settings, format: eight, granularity: "channel", range: "absmax" });
  }
  const cut: Cut =
    blocks && !("obstacle" in blocks) ? blocks : granularity === "tensor" ? tensorCut(weight) : channelCut(weight);
  const many = cut.granularity === "block" || (format.kind === "learned" && groupsOf({ cut, group }) > 1);
  const half = settings.scales === "float16" || (settings.scales === "auto" && many);
  return {
    cut,
    format,
    symmetric: settings.symmetric,
    range: ranges.get(settings.range).kernel(settings),
    rounding: roundings.get(settings.rounding).kernel(settings),
    scaleFormat: format.fixed?.scales ?? (half ? "shared16" : "float32"),
    entries,
    group,
  };
}

/** Which part of a cut an element belongs to, in the order of the scales. */
function placesOf({ granularity, rows, columns, along, block, repeats }: Cut): (at: number) => number {
  if (granularity === "tensor") return () => 0;
  if (repeats !== undefined) return (at) => Math.floor(at / columns) % repeats;
  if (along === "rows") {
    return rows === block ? (at) => at % columns : (at) => Math.floor(at / columns / block) * columns + (at % columns);
  }
  const each = Math.ceil(columns / block);
  return (at) => Math.floor(at / columns) * each + Math.floor((at % columns) / block);
}
