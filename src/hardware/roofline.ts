// The roofline: a layer takes as long as its arithmetic at the peak rate, or as its bytes at the peak bandwidth, whichever
// is longer. S. Williams, A. Waterman, D. Patterson, Roofline, CACM 52(4), 2009.

import type { Device } from "./device.js";
import { macEnergy } from "./energies.js";
import { arithmeticOf, FORMS, type FormName } from "./forms.js";
import type { LayerWork } from "./work.js";

/** How numbers are stored and multiplied: one of the forms, or a mixture (weights alone made smaller). */
export interface Setting {
  readonly weightBits: number;
  readonly activationBits: number;
  readonly arithmetic: FormName;
  /** Operations per second, a multiply-accumulate counted as two. */
  readonly rate: number;
}

export function settingOf(device: Device, form: FormName): Setting {
  const { weightBits, activationBits } = FORMS[form];
  const { form: arithmetic, rate } = arithmeticOf(device, form);
  return { weightBits, activationBits, arithmetic, rate: rate.value };
}

export interface LayerTime {
  /** Seconds that the arithmetic alone takes. */
  readonly arithmetic: number;
  /** Seconds that reading the weights alone takes. */
  readonly weights: number;
  /** Seconds that reading and writing the activations alone takes. */
  readonly activations: number;
  /** The longer of arithmetic and memory, in seconds. */
  readonly total: number;
  readonly bound: "memory" | "arithmetic";
}

export function layerTime(layer: LayerWork, device: Device, setting: Setting): LayerTime {
  const arithmetic = (2 * layer.macs) / setting.rate;
  const weights = (layer.weights * setting.weightBits) / 8 / device.memory.weights.bandwidth.value;
  const activations = (layer.activations * setting.activationBits) / 8 / device.memory.activations.bandwidth.value;
  const memory = weights + activations;
  return {
    arithmetic,
    weights,
    activations,
    total: Math.max(arithmetic, memory),
    bound: memory > arithmetic ? "memory" : "arithmetic",
  };
}

export interface Totals {
  /** One run: the sum over the layers. */
  readonly seconds: number;
  /** Bytes moved. */
  readonly weightBytes: number;
  readonly activationBytes: number;
  /** Operations (a multiply-accumulate is two) per byte moved. */
  readonly intensity: number;
  /** The intensity above which arithmetic is the limit, for this mixture of weights and activations. */
  readonly ridge: number;
  readonly memoryBound: number;
  readonly arithmeticBound: number;
  /** Share of the seconds that memory-bound layers take. */
  readonly memoryShare: number;
  /** Of the seconds of memory-bound layers, the share that reads weights. */
  readonly weightShare: number;
  /** Joules of the arithmetic and of the bytes: a lower bound. */
  readonly arithmeticJoules: number;
  readonly memoryJoules: number;
}

export function totals(layers: readonly LayerWork[], device: Device, setting: Setting): Totals {
  const { weights, activations } = device.memory;
  const times = layers.map((layer) => layerTime(layer, device, setting));
  const bound = times.filter((time) => time.bound === "memory");
  const macs = sum(layers, (layer) => layer.macs);
  const weightBytes = (sum(layers, (layer) => layer.weights) * setting.weightBits) / 8;
  const activationBytes = (sum(layers, (layer) => layer.activations) * setting.activationBits) / 8;
  const seconds = sum(times, (time) => time.total);
  const waiting = sum(bound, (time) => time.weights + time.activations);
  const moving = weightBytes / weights.bandwidth.value + activationBytes / activations.bandwidth.value;
  return {
    seconds,
    weightBytes,
    activationBytes,
    intensity: ratio(2 * macs, weightBytes + activationBytes),
    ridge: ratio(setting.rate * moving, weightBytes + activationBytes),
    memoryBound: bound.length,
    arithmeticBound: times.length - bound.length,
    memoryShare: ratio(waiting, seconds),
    weightShare: ratio(
      sum(bound, (time) => time.weights),
      waiting,
    ),
    arithmeticJoules: macs * macEnergy(device.process, setting.arithmetic),
    memoryJoules: weightBytes * weights.energy.value + activationBytes * activations.energy.value,
  };
}

const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);

function sum<T>(list: readonly T[], value: (each: T) => number): number {
  return list.reduce((all, each) => all + value(each), 0);
}
