// Whole residual blocks taken out of a model, the ones that matter least first.

import { info, type Note, warning } from "../../base/note.js";
import { type Observation, observe } from "../../engine/observe.js";
import { initializerBytes, nodeBytes } from "../../engine/weight-bytes.js";
import { label, type Model, type Node } from "../../ir/model.js";
import { costOf } from "../../ops/index.js";
import type { StepContext } from "../../step/step.js";
import { random } from "../../tensor/random.js";
import type { Feeds } from "../../tensor/value.js";
import { patterns } from "../../weights/patterns.js";
import { type Block, findBlocks } from "./blocks.js";
import { blockInfluence } from "./influence.js";
import { joinLayers } from "./layers.js";
import { removeBlocks } from "./remove-blocks.js";
import { outputDistance } from "./skipped.js";
import { branchSizes } from "./weight-size.js";

export const BLOCK_SCORES = ["influence", "output", "weights", "random"] as const;
export const BLOCK_UNITS = ["block", "layer"] as const;

export interface LayerOptions {
  /** "block": every residual addition; "layer": an attention block and the feed-forward blocks behind it as one. Default "block". */
  readonly unit?: (typeof BLOCK_UNITS)[number] | undefined;
  readonly score?: (typeof BLOCK_SCORES)[number] | undefined;
  /**
   * Blocks to remove; or the share of the blocks that may go, or of the whole model's multiply-accumulates or weight bytes,
   * that shall go, or how many of them may be left.
   */
  readonly goal:
    | { readonly count: number }
    | ({ readonly measure: "blocks" | "macs" | "bytes" } & ({ readonly share: number } | { readonly left: number }));
  /** Patterns of nodes or weights: blocks that hold one stay. */
  readonly keep?: readonly string[] | undefined;
  /** Patterns of those that may go; default: all. */
  readonly only?: readonly string[] | undefined;
  /** Samples that "influence" and "output" look at; default 32. */
  readonly samples?: number | undefined;
}

export interface LayerRow {
  /** Of the block's addition. */
  readonly name: string;
  /** Larger is more important; undefined where it could not go. */
  readonly score: number | undefined;
  readonly removed: boolean;
  readonly macs: number;
  readonly bytes: number;
  readonly elements: number;
  /** Why it stays, where it could not go. */
  readonly reason?: string;
}

export interface RemovedLayers {
  readonly model: Model;
  readonly notes: readonly Note[];
  readonly table: readonly LayerRow[];
}

const SAMPLES = 32;

/**
 * The same model without the blocks that matter least. It computes what the model computes whose blocks add nothing. Inputs
 * and outputs keep names, types and shapes. Ties: the first in the graph goes. Where the goal is out of reach all that may
 * go goes, with a warning.
 */
export async function removeLayers(model: Model, options: LayerOptions, context: StepContext): Promise<RemovedLayers> {
  const notes: Note[] = [];
  const data = context.data.split("calibrate");
  const limit = options.samples ?? SAMPLES;
  const observed = await observe(model, await firstFeeds(context), context);
  const found = findBlocks(model.graph, observed.values);
  const units = options.unit === "layer" ? joinLayers(model.graph, found.blocks) : found.blocks;
  const kept = patterns(model, options.keep ?? [], 0, notes);
  const may = options.only?.length ? patterns(model, options.only, 0, notes) : undefined;
  const stay = [...found.kept];
  const blocks = units.filter(({ nodes, additions: [{ node }] }) => {
    if (nodes.some(kept.node)) stay.push({ node, reason: "the option keep names it" });
    else if (may && !nodes.some(may.node)) stay.push({ node, reason: "the option only does not name it" });
    else return true;
    return false;
  });
  for (const { domain, name } of model.functions) {
    notes.push(info("function-whole", "Blocks inside the function are not looked for.", `${domain}:${name}`));
  }
  for (const { node, reason } of stay) notes.push(info("kept-block", `The block stays: ${reason}.`, label(node)));
  if (blocks.length === 0) {
    const text = "The model has no residual block that may go: no sum of a value and of what layers make of it.";
    return { model, notes: [...notes, warning("no-blocks", text)], table: rowsOf(stay) };
  }

  const score = options.score ?? "influence";
  if (data.synthetic && (score === "influence" || score === "output")) {
    const text = `The score "${score}" was taken on made-up data: with real data it may choose other blocks.`;
    notes.push(warning("synthetic-score", text));
  }
  const samples = feedsOf(data.samples({ limit, ...(context.signal && { signal: context.signal }) }));
  const scores = await scoresOf(score, model, blocks, observed, samples, context);
  const sizes = blocks.map(({ nodes }) => sizeOf(model, nodes, observed));
  const gone = choose(model, blocks, sizes, scores, options.goal, observed, notes);
  for (const at of gone) {
    const { name, postNorm } = blocks[at]!;
    const after = postNorm
      ? ` The normalisation "${label(postNorm)}" behind it stays, and now reads what came in.`
      : "";
    notes.push(
      info("removed-block", `The block is gone; its score (${score}) was ${show(scores[at]!)}.${after}`, name),
    );
  }
  const result = await removeBlocks(
    model,
    blocks.filter((_, at) => gone.has(at)),
    context,
  );
  const rows = blocks.map(({ name }, at) => ({ name, score: scores[at]!, removed: gone.has(at), ...sizes[at]! }));
  return { model: result.model, notes: [...notes, ...result.notes], table: [...rows, ...rowsOf(stay)] };
}

const rowsOf = (stay: readonly { node: Node; reason: string }[]): LayerRow[] =>
  stay.map(({ node, reason }) => ({
    name: label(node),
    score: undefined,
    removed: false,
    macs: 0,
    bytes: 0,
    elements: 0,
    reason,
  }));

function scoresOf(
  score: (typeof BLOCK_SCORES)[number],
  model: Model,
  blocks: readonly Block[],
  { values }: Observation,
  samples: AsyncIterable<Feeds>,
  context: StepContext,
): Promise<Float64Array> | Float64Array {
  if (score === "influence") return blockInfluence(model, blocks, values, samples, context);
  if (score === "output") return outputDistance(model, blocks, values, samples, context);
  if (score === "weights") return branchSizes(model.graph, blocks);
  const { next } = random(context.seed ?? 0);
  return Float64Array.from(blocks, () => next());
}

interface Size {
  readonly macs: number;
  readonly bytes: number;
  readonly elements: number;
}

/** What these nodes cost, and the weights that they alone use. */
function sizeOf({ graph }: Model, nodes: readonly Node[], { values }: Observation): Size {
  const own = new Set(nodes);
  const others = new Set(graph.outputs.map(({ name }) => name));
  for (const node of graph.nodes) if (!own.has(node)) for (const name of node.inputs) others.add(name);
  const weights = new Set(nodes.flatMap(({ inputs }) => inputs).filter((name) => !others.has(name)));
  let [macs, bytes, elements] = [0, 0, 0];
  for (const node of nodes) {
    macs += costOf(node, values) ?? 0;
    bytes += nodeBytes(node);
  }
  for (const name of weights) {
    const weight = graph.initializers.get(name);
    if (weight === undefined) continue;
    bytes += initializerBytes(weight);
    elements += weight.dims.reduce((product, size) => product * size, 1);
  }
  return { macs, bytes, elements };
}

function choose(
  model: Model,
  blocks: readonly Block[],
  sizes: readonly Size[],
  scores: Float64Array,
  goal: LayerOptions["goal"],
  observed: Observation,
  notes: Note[],
): ReadonlySet<number> {
  const order = [...scores.keys()].sort((a, b) => scores[a]! - scores[b]! || a - b);
  const measure = "count" in goal ? "blocks" : goal.measure;
  const total = measure === "blocks" ? blocks.length : sizeOf(model, model.graph.nodes, observed)[measure];
  // Of blocks no more than asked for, of all else no less.
  const asked = "count" in goal ? goal.count : "left" in goal ? total - goal.left : goal.share * total;
  const wanted = measure === "blocks" ? whole(asked) : asked;
  const gone = new Set<number>();
  let reached = 0;
  for (const at of order) {
    if (reached >= wanted) break;
    const next = measure === "blocks" ? 1 : sizes[at]![measure];
    if (next === 0) continue;
    gone.add(at);
    reached += next;
  }
  if (reached < wanted) {
    const most = `${Math.round(reached)} of the ${Math.round(wanted)} ${measure === "macs" ? "multiply-accumulates" : measure}`;
    notes.push(warning("goal-not-reached", `All blocks that may go are gone: ${most} that should go.`));
  }
  return gone;
}

/** Down to a whole number, but for the last bits of a product. */
const whole = (x: number) => Math.floor(x + 1e-9);

async function firstFeeds({ data, dims, signal }: StepContext) {
  for await (const { feeds } of data.split("calibrate").samples({ limit: 1, ...(signal && { signal }) })) {
    return { feeds };
  }
  return { dims };
}

function feedsOf(samples: AsyncIterable<{ readonly feeds: Feeds }>): AsyncIterable<Feeds> {
  return {
    async *[Symbol.asyncIterator]() {
      for await (const { feeds } of samples) yield feeds;
    },
  };
}

const show = (score: number) => (Number.isFinite(score) ? score.toPrecision(3) : "not known");
