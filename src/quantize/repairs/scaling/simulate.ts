// A weight as the scheme will make of it: quantized by the kernels that will write it, and decoded again.

import { fromFloat16 } from "../../../tensor/float16.js";
import { packingFor } from "../../../tensor/packing.js";
import { type CodeLayout, gridFor } from "../../codes.js";
import type { Workers } from "../../computation.js";
import { blockCut, type Cut, channelCut, tensorCut } from "../../cut.js";
import { channelsOf, encodeWeight, groupSize, groupsOf } from "../../encode-weight.js";
import { formats, isPlain } from "../../formats/index.js";
import type { Settings } from "../../options.js";
import { ranges } from "../../ranges/index.js";
import { roundings } from "../../rounding/index.js";
import type { Weight } from "../../weights.js";

/** In float32, in the weight's own order. Formats of 16 bits are taken as they are. */
export async function simulated(workers: Workers, weight: Weight, settings: Settings): Promise<Float32Array> {
  if (isPlain(settings.format) || settings.format.bits > 8) return numbersOf(weight);
  const layout = layoutOf(weight, settings);
  if (isLinear(layout)) return linear(await numbersOf(weight), layout);
  // One code a byte, whatever its bits: nothing is packed that would be unpacked at once.
  const { encoded, levels, tensorScale } = await encodeWeight(workers, weight, layout, packingFor(256));
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

/** Symmetric codes leave out the lowest, so that a number and its negative are equally far. */
function linear(values: Float32Array, { format, symmetric, cut }: CodeLayout): Float32Array {
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
    const scale = width / (symmetric ? levels - 1 : levels);
    return scale === 0 ? 0 : Math.round(value / scale) * scale;
  });
}

/** The numbers of a weight as they are, in float32. */
export async function numbersOf({ tensor }: Weight): Promise<Float32Array> {
  const bytes = (await tensor.data.read()).slice();
  return tensor.dtype === "float16" ? fromFloat16(new Uint16Array(bytes.buffer)) : new Float32Array(bytes.buffer);
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
