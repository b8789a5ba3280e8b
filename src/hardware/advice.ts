// What an estimate says about which compression helps: the same model with one thing changed, and one sentence of it.

import type { Device } from "./device.js";
import { FORMS, type FormName } from "./forms.js";
import { layerTime, settingOf, type Totals, totals } from "./roofline.js";
import type { LayerWork } from "./work.js";

/** How many times faster than in the base form, by the same roofline. */
export interface Gains {
  /** Weights of 4 bits; activations and arithmetic as they are. */
  readonly smallerWeights: number;
  /** All of it in float16. */
  readonly float16: number;
  /** Weights and activations of 8 bits, multiplied as int8 where the device has units for it. */
  readonly int8: number;
  /** Half of the channels everywhere: a quarter of products and weights, half of the activations. */
  readonly halfChannels: number;
}

export function gainsOf(layers: readonly LayerWork[], device: Device, base: FormName): Gains {
  const setting = settingOf(device, base);
  const before = totals(layers, device, setting).seconds;
  const gain = (seconds: number) => (seconds === 0 ? 1 : before / seconds);
  // Made smaller, never larger: a base that is smaller already stays.
  const weightBits = Math.min(setting.weightBits, FORMS.int4.weightBits);
  const narrower = layers.map((layer) => ({
    ...layer,
    macs: layer.macs / 4,
    weights: layer.weights / 4,
    activations: layer.activations / 2,
  }));
  return {
    smallerWeights: gain(totals(layers, device, { ...setting, weightBits }).seconds),
    float16: gain(totals(layers, device, settingOf(device, "float16")).seconds),
    int8: gain(totals(layers, device, settingOf(device, "int8")).seconds),
    halfChannels: gain(totals(narrower, device, setting).seconds),
  };
}

/** Names of the layers by what bounds them, the slowest first. */
export function boundsOf(layers: readonly LayerWork[], device: Device, base: FormName) {
  const setting = settingOf(device, base);
  const timed = layers
    .map((layer) => ({ name: layer.name, ...layerTime(layer, device, setting) }))
    .sort((a, b) => b.total - a.total);
  const named = (bound: string) => timed.filter((layer) => layer.bound === bound).map(({ name }) => name);
  return { memory: named("memory"), arithmetic: named("arithmetic") };
}

/** Below it a gain is called none. */
const WORTH = 1.15;

/** What bounds most of the time, and what that makes of each kind of compression. No names of layers are in it. */
export function adviceOf(all: Totals, gains: Gains, base: FormName, int8Runs: FormName): string {
  const byMemory = all.memoryShare >= 0.5;
  const bound = byMemory ? all.memoryBound : all.arithmeticBound;
  const share = Math.round(100 * (byMemory ? all.memoryShare : 1 - all.memoryShare));
  const limit = byMemory ? `memory, mostly for ${all.weightShare >= 0.5 ? "weights" : "activations"}` : "arithmetic";
  const ways = [
    `4-bit weights alone ${times(gains.smallerWeights)}`,
    ...(base === "float32" ? [`float16 ${times(gains.float16)}`] : []),
    `int8 weights and activations${int8Runs === "int8" ? "" : `, multiplied as ${int8Runs},`} ${times(gains.int8)}`,
    `half of the channels ${times(gains.halfChannels)}`,
  ];
  return (
    `${bound} of ${all.memoryBound + all.arithmeticBound} layers, ${share} % of the time at ${base}, are bound by ` +
    `${limit}: ${helpful(all, gains, byMemory)} (${ways.join("; ")}).`
  );
}

/** The least that has to be done to a model for a gain. */
function helpful({ weightShare }: Totals, { smallerWeights, float16, int8 }: Gains, byMemory: boolean): string {
  if (byMemory && weightShare >= 0.5 && smallerWeights >= WORTH) return "smaller weights alone help";
  if (Math.max(float16, int8) < WORTH) return "only less work helps, by pruning channels or distilling";
  if (byMemory) return "activations have to get smaller too, in the form of the weights or by fewer channels";
  return "faster arithmetic helps, with activations in the form of the weights, or less of it, by pruning channels";
}

const times = (gain: number): string => (gain < WORTH ? "no gain" : `${gain.toPrecision(2)} times faster`);
