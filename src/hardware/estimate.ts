// A roofline estimate of a model on devices that nobody has here: latency, energy and cost from peak figures. Nothing in
// it is measured, and nothing of it is mixed with what is.

import { adviceOf, boundsOf, type Gains, gainsOf } from "./advice.js";
import type { Basis, Device } from "./device.js";
import { ENERGY_SOURCES } from "./energies.js";
import { arithmeticOf, FORM_NAMES, FORMS, type FormName } from "./forms.js";
import { settingOf, totals } from "./roofline.js";
import type { GraphWork, LayerWork } from "./work.js";

/** Plain data, rounded to three digits. */
export interface Estimate {
  readonly kind: "roofline";
  /** Says to whoever reads the JSON what this is. */
  readonly measured: false;
  readonly assumptions: readonly string[];
  /** What one run has to do; the shapes are those observed, else those that the file states. */
  readonly work: {
    /** Nodes that multiply. */
    readonly layers: number;
    readonly macs: number;
    /** Elements of weights that the layers read. */
    readonly weights: number;
    /** Elements of activations that the layers read and write. */
    readonly activations: number;
    /** Elements that all other nodes would read and write, each alone: not in the seconds. */
    readonly others: number;
    /** Nodes that multiply and are not counted: their shapes are not known, or they stand in a body or a function. */
    readonly uncounted: number;
  };
  readonly layers: readonly LayerWork[];
  readonly devices: readonly DeviceEstimate[];
}

export interface DeviceEstimate {
  readonly device: string;
  readonly summary: string;
  readonly sources: readonly string[];
  /** What gains and bounds are told of: "float16" for a model stored so, else "float32". */
  readonly base: FormName;
  readonly forms: readonly FormEstimate[];
  /** Labels of layers in the base form by what bounds them, the slowest first. */
  readonly bounds: { readonly memory: readonly string[]; readonly arithmetic: readonly string[] };
  readonly gains: Gains;
  /** One sentence: what bounds the model there, and which compression helps. */
  readonly advice: string;
}

export interface FormEstimate {
  readonly form: FormName;
  /** What multiplies: the form itself, or the wider one that the device has units for. */
  readonly runsAs: FormName;
  readonly unit: string;
  /** Where the peak rate comes from. */
  readonly basis: Basis;
  /** One run. */
  readonly seconds: number;
  /** What the other nodes would add, if each of them read and wrote memory by itself. */
  readonly othersSeconds: number;
  readonly memoryBoundLayers: number;
  readonly arithmeticBoundLayers: number;
  /** Share of the seconds that memory-bound layers take, 0 to 1. */
  readonly memoryBoundShare: number;
  /** Operations per byte, a multiply-accumulate counted as two; below the ridge memory is the limit. */
  readonly intensity: number;
  readonly ridge: number;
  /** Moved in one run. */
  readonly weightBytes: number;
  readonly activationBytes: number;
  /** The arithmetic and the bytes alone: a lower bound. */
  readonly joules: number;
  readonly arithmeticJoules: number;
  readonly memoryJoules: number;
  /** Full power for as long as the run takes. */
  readonly joulesAtFullPower: number;
  /** A million runs, one after the other; null where the device is not rented. */
  readonly usdPerMillionRuns: number | null;
  /** Whether weights, and activations at their peak, fit into the memory. Null: too little is known of them. */
  readonly fits: boolean | null;
}

export interface Stored {
  /** Elements of all weights of the model. */
  readonly weights: number;
  /** Most elements of activations alive at one time; undefined when not observed. */
  readonly peakActivations: number | undefined;
  readonly base: FormName;
}

const ASSUMPTIONS: readonly string[] = [
  "Peak dense rates and bandwidths; arithmetic and memory overlap wholly. Real runs take longer, small models many times.",
  "Each layer reads its weights and inputs from memory and writes its outputs there; nothing stays in a cache.",
  "Nodes that do not multiply are fused with those that do. No launch, transfer, decoding or idle time.",
  "A form without units on the device is widened when it is read, and multiplied as the wider form.",
  "int4: weights of 4 bits with a float16 scale for each 32, activations int8, multiplied as int8.",
  "Energy: multiply-accumulates and bytes alone, from published energies per operation, up to full power for the whole time.",
];

/** `work` from `graphWork`. */
export function estimate(work: GraphWork, devices: readonly Device[], stored: Stored): Estimate {
  const { layers } = work;
  const sum = (value: (layer: LayerWork) => number) => layers.reduce((all, layer) => all + value(layer), 0);
  return {
    kind: "roofline",
    measured: false,
    assumptions: ASSUMPTIONS,
    work: {
      layers: layers.length,
      macs: sum((layer) => layer.macs),
      weights: sum((layer) => layer.weights),
      activations: sum((layer) => layer.activations),
      others: work.others,
      uncounted: work.uncounted + work.inBodies,
    },
    layers,
    devices: devices.map((device) => ofDevice(work, device, stored)),
  };
}

function ofDevice(work: GraphWork, device: Device, stored: Stored): DeviceEstimate {
  const { base } = stored;
  const gains = gainsOf(work.layers, device, base);
  const all = totals(work.layers, device, settingOf(device, base));
  return {
    device: device.name,
    summary: device.summary,
    sources: [
      device.reference,
      ...device.sources,
      ENERGY_SOURCES[device.process],
      ...(device.price === undefined ? [] : [device.price.source]),
    ],
    base,
    forms: FORM_NAMES.map((form) => ofForm(work, device, form, stored)),
    bounds: boundsOf(work.layers, device, base),
    gains: {
      smallerWeights: rounded(gains.smallerWeights),
      float16: rounded(gains.float16),
      int8: rounded(gains.int8),
      halfChannels: rounded(gains.halfChannels),
    },
    advice: adviceOf(all, gains, base, arithmeticOf(device, "int8").form),
  };
}

function ofForm(work: GraphWork, device: Device, form: FormName, stored: Stored): FormEstimate {
  const { form: runsAs, rate } = arithmeticOf(device, form);
  const all = totals(work.layers, device, settingOf(device, form));
  const others = (work.others * FORMS[form].activationBits) / 8 / device.memory.activations.bandwidth.value;
  return {
    form,
    runsAs,
    unit: rate.unit,
    basis: rate.basis,
    seconds: rounded(all.seconds),
    othersSeconds: rounded(others),
    memoryBoundLayers: all.memoryBound,
    arithmeticBoundLayers: all.arithmeticBound,
    memoryBoundShare: rounded(all.memoryShare),
    intensity: rounded(all.intensity),
    ridge: rounded(all.ridge),
    weightBytes: Math.round(all.weightBytes),
    activationBytes: Math.round(all.activationBytes),
    joules: rounded(all.arithmeticJoules + all.memoryJoules),
    arithmeticJoules: rounded(all.arithmeticJoules),
    memoryJoules: rounded(all.memoryJoules),
    joulesAtFullPower: rounded(all.seconds * device.watts.value),
    usdPerMillionRuns:
      device.price === undefined ? null : rounded((device.price.usdPerHour / 3600) * all.seconds * 1e6),
    fits: fits(device, form, stored),
  };
}

function fits(device: Device, form: FormName, { weights, peakActivations }: Stored): boolean | null {
  const { weightBits, activationBits } = FORMS[form];
  const { memory } = device;
  const held = (weights * weightBits) / 8;
  if (held > memory.weights.bytes) return false;
  if (peakActivations === undefined) return null;
  const alive = (peakActivations * activationBits) / 8;
  return memory.weights === memory.activations
    ? held + alive <= memory.weights.bytes
    : alive <= memory.activations.bytes;
}

/** More digits would pretend to a precision that no estimate has. */
const rounded = (value: number): number => Number(value.toPrecision(3));
