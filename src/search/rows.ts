// The layers of a compressed model, ranked by what their rounding does to the outputs: numbers, reason, suggestion.

import type { Dataset } from "../data/dataset.js";
import type { EngineServices } from "../engine/session.js";
import { label, type Model, type Node } from "../ir/model.js";
import { consumers, producers } from "../ir/traverse.js";
import { weightsOf } from "../ops/index.js";
import { operatorKey } from "../ops/operator.js";
import { elementCount } from "../tensor/dtype.js";
import { type Local, localErrors } from "./local.js";
import { type Finding, findingFor, type Suspect } from "./reasons.js";
import { decibels, type Sensitivity, sensitivity } from "./sensitivity.js";
import type { Switch, Switched } from "./switched.js";

/** What rounding one part of a layer does. */
export interface PartExplanation {
  /** Signal over error of the numbers themselves, dB; null: exact, or not known. */
  readonly ownDb: number | null;
  /** Signal over error of the outputs when nothing else is rounded, dB, mean over the outputs; null: exact. */
  readonly outputDb: number | null;
  /** Its part of the error that all parts make one by one, 0 to 1. */
  readonly share: number;
}

export interface LayerExplanation {
  /** The node in the float model, as the option `keep` takes it. */
  readonly layer: string;
  readonly operator: string;
  readonly weights: PartExplanation | null;
  /** Of the values that the layer hands on. */
  readonly activations: PartExplanation | null;
  /** Where weights and activations cannot be told apart: packed and integer operators. */
  readonly together: PartExplanation | null;
  /** Sum of the shares of its parts. */
  readonly share: number;
  /** Signal over error of the outputs when everything but this layer is rounded, dB; null: exact, or not asked for. */
  readonly withoutDb: number | null;
  /** Signal over error of the layer's result in the compressed model, dB: what has added up by then. */
  readonly resultDb: number | null;
  /** Empty where there is nothing to say. */
  readonly reason: string;
  readonly suggestion: string;
}

export interface Rows {
  /** The most harmful first. */
  readonly layers: readonly LayerExplanation[];
  /** Signal over error with everything rounded, dB: mean noise, and of each output. */
  readonly outputDb: number | null;
  readonly outputs: Readonly<Record<string, number | null>>;
  readonly samples: number;
}

/** What the step was asked for, as far as reasons name it. */
export interface Asked {
  readonly weights: string;
  readonly activations: string;
  readonly granularity: string;
}

/** `float`: the model that `switched` was made from. */
export async function explainedRows(
  float: Model,
  switched: Switched,
  asked: Asked,
  data: Dataset,
  services: EngineServices,
  options: { readonly samples: number },
): Promise<Rows> {
  const found = await sensitivity(switched, data, services, options);
  const axisOf = channelAxes(float);
  const local = await localErrors(switched, data, services, { samples: found.samples, axisOf });
  const layers = [...new Set(switched.switches.map(({ layer }) => layer))].map((layer) =>
    rowOf(layer, { float, switched, asked, found, local }),
  );
  const outputs = Object.fromEntries(Object.entries(found.all.outputs).map(([name, noise]) => [name, decibels(noise)]));
  const ranked = layers.map((row, at) => ({ row, at })).sort((a, b) => b.row.share - a.row.share || a.at - b.at);
  return { layers: ranked.map(({ row }) => row), outputDb: decibels(found.all.mean), outputs, samples: found.samples };
}

interface Known {
  readonly float: Model;
  readonly switched: Switched;
  readonly asked: Asked;
  readonly found: Sensitivity;
  readonly local: Local;
}

function rowOf(layer: string, known: Known): LayerExplanation {
  const { switched, found, local } = known;
  const own = switched.switches.filter((one) => one.layer === layer);
  const shares = sharesOf(found);
  const part = (kind: Switch["kind"]): PartExplanation | null => {
    const those = own.filter((one) => one.kind === kind);
    if (those.length === 0) return null;
    const noise = those.reduce((sum, one) => sum + found.alone.get(one)!.mean, 0);
    const spreads = those.flatMap((one) => local.spreads.get(one) ?? []);
    const worst = Math.max(0, ...spreads.map((spread) => spread.noise));
    const share = those.reduce((sum, one) => sum + shares.get(one)!, 0);
    return { ownDb: decibels(worst), outputDb: decibels(noise), share };
  };
  const worst = own.toSorted((a, b) => found.alone.get(b)!.mean - found.alone.get(a)!.mean)[0]!;
  const drifted = local.drift.get(layer);
  return {
    layer,
    operator: own[0]!.operator,
    weights: part("weights"),
    activations: part("activations"),
    together: part("both"),
    share: own.reduce((sum, one) => sum + shares.get(one)!, 0),
    withoutDb: decibels(found.without.get(layer)?.mean ?? 0),
    resultDb: drifted === undefined ? null : decibels(drifted),
    ...whyOf(worst, known),
  };
}

/** Each flag's part of the sum. Where some break the output altogether, they alone share it. */
export function sharesOf({ alone }: Pick<Sensitivity, "alone">): ReadonlyMap<Switch, number> {
  const broken = [...alone.values()].filter(({ mean }) => mean === Number.POSITIVE_INFINITY).length;
  const total = broken > 0 ? broken : [...alone.values()].reduce((sum, { mean }) => sum + mean, 0);
  const part = (mean: number) => (broken > 0 ? Number(mean === Number.POSITIVE_INFINITY) : mean);
  return new Map([...alone].map(([one, { mean }]) => [one, total === 0 ? 0 : part(mean) / total]));
}

function whyOf(one: Switch, { float, switched, asked, found, local }: Known): Finding {
  const users = consumers(float.graph);
  const spreads = (local.spreads.get(one) ?? []).toSorted((a, b) => b.noise - a.noise);
  const maker = producers(switched.model.graph).get(one.values[0]?.rounded ?? "");
  const scale = switched.model.graph.initializers.get(maker?.inputs[1] ?? "");
  const single = maker?.opType === "DequantizeLinear" && scale !== undefined && elementCount(scale.dims) === 1;
  const suspect: Suspect = {
    kind: one.kind,
    node: nodeOf(float, one.layer),
    readers: one.kind === "weights" ? [] : one.values.flatMap(({ name }) => (users.get(name) ?? []).map(operatorKey)),
    spread: spreads[0],
    effect: found.alone.get(one)!.mean,
    weights: asked.weights,
    activations: asked.activations,
    perTensor: single || asked.granularity === "tensor",
  };
  return findingFor(suspect);
}

const nodeOf = ({ graph }: Model, layer: string): Node | undefined => graph.nodes.find((node) => label(node) === layer);

/** Weights: the axis of the layer's outputs. Activations: axis 1 of images (four dimensions and more), else the last. */
function channelAxes(float: Model): (one: Switch, name: string) => number | undefined {
  return (one, name) => {
    const node = nodeOf(float, one.layer);
    if (one.kind === "weights") {
      return node && weightsOf(node).find(({ input }) => node.inputs[input] === name)?.outputAxis;
    }
    return node !== undefined && /Conv|Pool|BatchNorm/.test(node.opType) ? 1 : -1;
  };
}
