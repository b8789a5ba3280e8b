// Why a layer loses what it loses, from its numbers, and what can be done about it: options that pare has.

import { intOf } from "../ir/attributes.js";
import type { Node } from "../ir/model.js";
import { operatorKey } from "../ops/operator.js";
import type { Spread } from "./local.js";
import { decibels } from "./sensitivity.js";

/** One part of a layer (its weights, or what it hands on) as the rules see it. */
export interface Suspect {
  readonly kind: "weights" | "activations" | "both";
  /** The layer in the float model; undefined for an input of the model. */
  readonly node: Node | undefined;
  /** Operators that read what it hands on. */
  readonly readers: readonly string[];
  /** The value with the largest error. */
  readonly spread: Spread | undefined;
  /** Error over signal of the outputs when only this is rounded. */
  readonly effect: number;
  /** The step that rounded it: formats, and whether weights have one scale for all. */
  readonly weights: string;
  readonly activations: string;
  readonly perTensor: boolean;
}

export interface Finding {
  readonly reason: string;
  readonly suggestion: string;
}

/** Times that one channel's range may be another's before one scale for both is said to be at fault. */
const UNEVEN = 8;
/** Largest number over root mean square: 4 for normal numbers of a few thousand, far more with outliers. */
const OUTLYING = 16;
/** Own error below which a part is not at fault: about what 8 bits give well spread numbers. */
const FINE_DB = 33;
/** Weights of a channel below which their errors do not average out. */
const FEW = 32;

type Rule = (suspect: Suspect) => Finding | undefined;

/** The first rule that holds; the last one always does. */
export const findingFor = (suspect: Suspect): Finding => {
  for (const rule of suspect.kind === "activations" ? ofActivations : ofWeights) {
    const finding = rule(suspect);
    if (finding) return finding;
  }
  return plainly(suspect);
};

const keep = ({ node }: Suspect) => `keep this layer${node?.name ? ` (--keep ${node.name})` : ""}`;

const ofWeights: readonly Rule[] = [
  (suspect) => {
    const uneven = unevenness(suspect.spread);
    if (!suspect.perTensor || uneven === undefined || uneven < UNEVEN) return undefined;
    return {
      reason: `the weights have one scale, and the largest channel is ${times(uneven)} the median one: the others keep few codes`,
      suggestion: `one scale a channel (--granularity channel), or ${keep(suspect)}`,
    };
  },
  (suspect) => {
    const { node, spread } = suspect;
    const few = spread?.dims.slice(1).reduce((product, dim) => product * dim, 1);
    if (node?.opType !== "Conv" || spread === undefined || few === undefined || few > FEW || !worse(spread)) {
      return undefined;
    }
    const depthwise = spread.dims[1] === 1 && intOf(node, "group", 1) > 1;
    return {
      reason: `${depthwise ? "depthwise: " : ""}only ${few} weights a channel, their errors do not average out`,
      suggestion: `${moreBits(suspect)}, or ${keep(suspect)}`,
    };
  },
  (suspect) => {
    const outlying = crest(suspect.spread);
    if (outlying === undefined || outlying < OUTLYING || !worse(suspect.spread)) return undefined;
    return {
      reason: `a few weights are far from the others, the largest ${times(outlying)} their root mean square`,
      suggestion: `--range mse, ${inBlocks(suspect) ? "smaller blocks (--granularity block), " : ""}or ${keep(suspect)}`,
    };
  },
  (suspect) => {
    const own = suspect.spread && decibels(suspect.spread.noise);
    if (own === undefined || own === null || own >= FINE_DB) return undefined;
    return {
      reason: `${suspect.kind === "both" ? "its result is" : `weights of ${suspect.weights} are`} ${own.toFixed(0)} dB near, and the outputs depend on them`,
      suggestion: `${moreBits(suspect)}, or ${keep(suspect)}`,
    };
  },
];

const ofActivations: readonly Rule[] = [
  (suspect) => {
    const cut = cutShare(suspect.spread);
    if (cut === undefined || cut < 0.25) return undefined;
    const { spread } = suspect;
    return {
      reason: `values of ${range(spread!.min, spread!.max)} are cut to ${range(spread!.roundedMin, spread!.roundedMax)}`,
      suggestion: "--activation-range min-max, or calibrate on more samples (--calibration-samples)",
    };
  },
  (suspect) => {
    const { node } = suspect;
    const near = [node === undefined ? "" : operatorKey(node), ...suspect.readers].find((name) => BOUNDARY.has(name));
    if (near === undefined) return undefined;
    return {
      reason: `at a ${near}: its steep and flat parts need unlike steps, which one scale does not give`,
      suggestion: `keep the ${near} float (--keep ${near}), or 16-bit activations`,
    };
  },
  (suspect) => {
    const uneven = unevenness(suspect.spread);
    if (uneven === undefined || uneven < UNEVEN) return undefined;
    const repair = suspect.readers.some((name) => name === "MatMul" || name === "Gemm") ? "smooth" : "equalize";
    return {
      reason: `one channel reaches ${times(uneven)} as far as the median one: the others keep few codes`,
      suggestion: `--repair ${repair}, 16-bit activations, or ${keep(suspect)}`,
    };
  },
  (suspect) => {
    const outlying = crest(suspect.spread);
    if (outlying === undefined || outlying < OUTLYING || !worse(suspect.spread)) return undefined;
    return {
      reason: `outliers rule the range: the largest is ${times(outlying)} the root mean square`,
      suggestion: `--activation-range percentile or mse, 16-bit activations, or ${keep(suspect)}`,
    };
  },
  (suspect) => {
    const own = suspect.spread && decibels(suspect.spread.noise);
    if (own === undefined || own === null || own >= FINE_DB) return undefined;
    return {
      reason: `its values are ${own.toFixed(0)} dB near in ${suspect.activations}, and the outputs depend on them`,
      suggestion: `--activation-range mse, 16-bit activations, or ${keep(suspect)}`,
    };
  },
];

const BOUNDARY = new Set(["Softmax", "LogSoftmax", "Sigmoid", "HardSigmoid", "Tanh", "Exp", "LayerNormalization"]);

/** Nothing is wrong with the numbers themselves: what follows makes their error larger, or there is none to speak of. */
function plainly(suspect: Suspect): Finding {
  const after = decibels(suspect.effect);
  const own = suspect.spread ? decibels(suspect.spread.noise) : null;
  if (after === null || after > 45) return { reason: "", suggestion: "" };
  const near = own === null ? "rounded well" : `rounded well (${own.toFixed(0)} dB)`;
  return {
    reason: own !== null && own > after + 6 ? `${near}; the layers after it make the error larger` : near,
    suggestion: keep(suspect),
  };
}

const worse = (spread: Spread | undefined) => {
  const own = spread && decibels(spread.noise);
  return typeof own === "number" && own < FINE_DB;
};

function unevenness(spread: Spread | undefined): number | undefined {
  const largest = (spread?.channels ?? []).map((channel) => channel.largest).sort((a, b) => a - b);
  const middle = largest[Math.floor((largest.length - 1) / 2)];
  return largest.length < 2 || !middle ? undefined : largest.at(-1)! / middle;
}

const crest = (spread: Spread | undefined) =>
  spread === undefined || spread.rms === 0 ? undefined : Math.max(-spread.min, spread.max) / spread.rms;

/** How much of the range was beyond the codes, as a share of it. */
function cutShare(spread: Spread | undefined): number | undefined {
  if (spread === undefined || spread.max === spread.min) return undefined;
  const beyond = Math.max(0, spread.max - spread.roundedMax) + Math.max(0, spread.roundedMin - spread.min);
  return beyond / (spread.max - spread.min);
}

function moreBits(suspect: Suspect): string {
  const { weights, node } = suspect;
  const bits = Number(/\d+$/.exec(weights)?.[0] ?? 8);
  const wider = bits < 8 ? weights.replace(/\d+$/, "8") : "float16";
  if (bits >= 8) return inBlocks(suspect) ? "finer scales (--granularity block)" : "--range mse";
  return `more bits for it (--layers '{"match":["${node?.name ?? ""}"],"weights":"${wider}"}')`;
}

/** Integer products have one scale a channel or tensor, none for blocks. */
const inBlocks = ({ activations }: Suspect) => activations === "float";

const times = (ratio: number) => `${ratio < 10 ? ratio.toFixed(1) : ratio.toFixed(0)} times`;
const range = (low: number, high: number) => `${Number(low.toPrecision(3))} to ${Number(high.toPrecision(3))}`;
