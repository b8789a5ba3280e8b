// What static quantization tells the user: which operators compute with integers, what was done so that they do it right, and
// why every other node stays float.

import { info, type Note, warning } from "../../base/note.js";
import { label } from "../../ir/model.js";
import type { StepContext } from "../../step/step.js";
import type { Settings } from "../options.js";
import type { GraphFacts } from "./graph-facts.js";
import type { DetailedPlan } from "./plan.js";
import { mayPairsSaturate, type Weights } from "./weights-of-plan.js";

export function staticNotes(
  plan: DetailedPlan,
  settings: Settings,
  { target }: Pick<StepContext, "target">,
  weights?: Weights,
): readonly Note[] {
  const notes: Note[] = [];
  if (plan.clusters.length > 0) {
    const counted = countsOf(plan.clusters.map(({ operator }) => operator));
    notes.push(
      info("quantized-static", `${plan.clusters.length} nodes compute with ${settings.activations}: ${counted}.`),
    );
  }
  if (weights) notes.push(...weightNotes(weights, settings, target));
  if (settings.form === "qoperator" && plan.clusters.length > 0) {
    const text =
      "Biases are not corrected in form qoperator: form qdq, which the runtime fuses alike, is more accurate.";
    notes.push(info("bias-not-corrected", text));
  }
  if (settings.activations.endsWith("16")) {
    const text = `No runtime on a CPU has integer kernels for ${settings.activations}: these operators run in float32 between rounding, slower than float.`;
    notes.push(warning("slow-form", text));
  } else if (settings.activations === "int8" && target.saturates) {
    const text =
      "On x64 the runtime makes uint8 of int8 activations, and only of those that one operator reads: nodes around others stay float there. Use activations uint8.";
    notes.push(warning("slow-form", text));
  } else if (target.fast.staticInt8.length === 0) {
    notes.push(warning("slow-form", `Target ${target.name} has no integer kernels: ${target.why.staticInt8}.`));
  }
  return [...notes, ...keptNodes(plan)];
}

function weightNotes({ byNode }: Weights, settings: Settings, target: StepContext["target"]): Note[] {
  const notes: Note[] = [];
  const made = [...new Set(byNode.values())].map(({ weight }) => weight);
  const sum = (of: (weight: (typeof made)[number]) => number) => made.reduce((all, one) => all + of(one), 0);
  const channels = sum(({ values }) => values.length);
  if (mayPairsSaturate(settings, target)) {
    const [widened, drawn] = [sum((one) => one.widened), sum((one) => one.drawn)];
    const text = `x64 processors without VNNI add products of two neighbouring weights in 16 bits and saturate: ${widened} of ${channels} scales were enlarged and ${drawn} codes drawn in so that this cannot happen. Use reduceRange: false where the processor is known.`;
    notes.push(info("saturation-avoided", text));
  }
  const raised = sum((one) => one.raised);
  if (raised > 0) {
    const text = `${raised} of ${channels} scales of weights were enlarged, because their biases would not have fitted in 32 bits.`;
    notes.push(info("bias-beyond-int32", text));
  }
  return notes;
}

/** A note for each node with a weight; others are counted by operator and reason. */
function keptNodes({ kept, facts }: DetailedPlan): Note[] {
  const notes: Note[] = [];
  const others = new Map<string, { count: number; operator: string; reason: string }>();
  for (const { node, reason } of kept) {
    if (hasWeight(node, facts)) {
      notes.push(info("kept-float", `${label(node)} (${node.opType}) stays float: ${reason}.`, label(node)));
      continue;
    }
    // Names of values differ from node to node.
    const general = reason.replace(/"[^"]*"/g, "").replace(/ {2,}/g, " ");
    const key = JSON.stringify([node.opType, general]);
    const entry = others.get(key) ?? { count: 0, operator: node.opType, reason: general };
    entry.count++;
    others.set(key, entry);
  }
  for (const { count, operator, reason } of others.values()) {
    notes.push(info("kept-float", `${count} ${operator} ${count === 1 ? "stays" : "stay"} float: ${reason}.`));
  }
  return notes;
}

const hasWeight = (node: Parameters<typeof label>[0], facts: GraphFacts) =>
  node.inputs.some((_, input) => {
    const role = facts.weight(node, input)?.consumer.use?.role;
    return role !== undefined && role !== "vector";
  });

function countsOf(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${count} ${name}`)
    .join(", ");
}
