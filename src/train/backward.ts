// Appends the backward pass to a graph of static shapes. Here, once: which nodes stand between the weights and the loss, the
// order, the sum over several uses, and the sum over broadcast axes. What an operator's derivative is, its rule says.

import { unsupported } from "../base/errors.js";
import { makeNode } from "../ir/build.js";
import { label, type Node } from "../ir/model.js";
import { operatorKey } from "../ops/operator.js";
import { broadcast, type CustomGradient, type Emitter, same } from "./emitter.js";
import { gradientRule, stopsGradient } from "./gradients/index.js";
import type { GradientRule, GradientSite } from "./gradients/rule.js";

/** Forward nodes in execution order. `Emitter` knows the shapes of all their values. */
export interface BackwardInput {
  readonly nodes: readonly Node[];
  /** A scalar, or several values of any shape with their gradients, which take the place of `seed`. */
  readonly loss: string | ReadonlyMap<string, string>;
  /** Values whose gradients are wanted: weights, or any other. */
  readonly targets: readonly string[];
  /** Gradient of the loss itself, a scalar (a loss scale); default 1. */
  readonly seed?: string;
  /** What becomes of the gradient of a value as soon as it is made, by a rule or as a sum: rounding. */
  readonly convert?: (gradient: string, of: string) => string;
}

/**
 * Writes the backward nodes through `emit` and gives the gradient of each target, of the target's dimensions. Targets that
 * the loss does not depend on are not in the result. Only what stands between targets and loss is differentiated.
 * A value with a gradient of its own (`Emitter.custom`) is differentiated by that, not by the nodes that make it.
 * Throws `unsupported("gradient-missing")` with every node in the way that has no rule, before anything is written.
 */
export function backward({ nodes, loss, targets, seed, convert }: BackwardInput, emit: Emitter): Map<string, string> {
  const ends = typeof loss === "string" ? new Set([loss]) : new Set(loss.keys());
  const path = between(
    nodes.map((node) => stated(node, emit.customs)),
    ends,
    targets,
  );
  refuseMissing(path, targets);
  const sums = new Map<string, string[]>(
    typeof loss === "string"
      ? [[loss, [seed ?? emit.like(1, loss)]]]
      : [...loss].map(([value, gradient]) => [value, [gradient]]),
  );
  const wanted = new Set(targets);
  const found = new Map<string, string>();
  const converted = convert ?? ((gradient: string) => gradient);
  const gradientOf = (name: string): string | undefined => {
    const parts = sums.get(name);
    if (parts === undefined) return undefined;
    const total = parts.reduce((sum, part) => converted(emit.add(sum, part), name));
    sums.set(name, [total]);
    return total;
  };
  for (const { node, rule, flows } of path.toReversed()) {
    const gradients = node.outputs.map((name) => (name === "" ? undefined : gradientOf(name)));
    if (gradients.every((gradient) => gradient === undefined)) continue;
    const site: GradientSite = {
      node,
      emit,
      input: (index) => node.inputs[index] ?? "",
      output: (index) => node.outputs[index] ?? "",
      gradient: (index) => gradients[index],
      needs: (index) => flows[index] === true,
    };
    const own = emit.customs.get(node.outputs[0]!);
    const results = own === undefined ? rule!.backward(site) : own.gradient(gradients[0]!);
    node.inputs.forEach((name, index) => {
      const gradient = results[index];
      if (gradient === undefined || flows[index] !== true) return;
      const dims = emit.dims(name);
      const fits = same(emit.dims(gradient), dims) ? gradient : emit.reduceTo(spread(gradient, dims, emit), dims);
      const part = converted(fits, name);
      const parts = sums.get(name);
      if (parts) parts.push(part);
      else sums.set(name, [part]);
    });
  }
  for (const target of wanted) {
    const gradient = typeof loss === "string" && target === loss ? undefined : gradientOf(target);
    if (gradient !== undefined) found.set(target, gradient);
  }
  return found;
}

/** A gradient smaller than its input (a rule used the scalar of a broadcast) is spread first. */
const spread = (gradient: string, dims: readonly number[], emit: Emitter) =>
  emit.expand(gradient, broadcast([emit.dims(gradient), dims]));

/** The node itself, or one that stands for it and for all between its result and what its stated gradient is of. */
function stated(node: Node, customs: ReadonlyMap<string, CustomGradient>): Node {
  const custom = node.outputs.length === 1 ? customs.get(node.outputs[0]!) : undefined;
  return custom === undefined ? node : makeNode(CUSTOM, custom.inputs, node.outputs, { domain: CUSTOM });
}

const CUSTOM = "pare.custom";

interface Step {
  readonly node: Node;
  readonly rule: GradientRule | undefined;
  /** Per input, whether a wanted gradient flows to it. */
  readonly flows: readonly boolean[];
}

/** The nodes that a target influences and that influence the loss, in execution order. */
function between(nodes: readonly Node[], ends: ReadonlySet<string>, targets: readonly string[]): Step[] {
  const influenced = new Set(targets);
  const candidates: Step[] = [];
  for (const node of nodes) {
    const custom = node.domain === CUSTOM;
    if (!custom && stopsGradient(node)) continue;
    const rule = custom ? undefined : gradientRule(node);
    const flows = node.inputs.map(
      (name, index) => influenced.has(name) && (rule?.differentiable?.(index, node) ?? true),
    );
    if (!flows.includes(true)) continue;
    candidates.push({ node, rule, flows });
    for (const name of node.outputs) if (name !== "") influenced.add(name);
  }
  const influencing = new Set(ends);
  const path: Step[] = [];
  for (const step of candidates.toReversed()) {
    if (!step.node.outputs.some((name) => influencing.has(name))) continue;
    path.push(step);
    step.node.inputs.forEach((name, index) => {
      if (step.flows[index]) influencing.add(name);
    });
  }
  return path.reverse();
}

function refuseMissing(path: readonly Step[], targets: readonly string[]): void {
  const missing = path.filter(({ node, rule }) => rule === undefined && node.domain !== CUSTOM);
  if (missing.length === 0) return;
  // Which targets each value carries, so that the message can say what a missing rule blocks.
  const carried = new Map<string, ReadonlySet<string>>(targets.map((name) => [name, new Set([name])]));
  const blocked = new Set<string>();
  for (const { node, rule, flows } of path) {
    const reaching = new Set<string>();
    node.inputs.forEach((name, index) => {
      if (flows[index]) for (const target of carried.get(name) ?? []) reaching.add(target);
    });
    if (rule === undefined && node.domain !== CUSTOM) for (const target of reaching) blocked.add(target);
    for (const name of node.outputs) {
      if (name !== "") carried.set(name, new Set([...(carried.get(name) ?? []), ...reaching]));
    }
  }
  const named = missing.map(({ node }) => `${operatorKey(node)} (${label(node)})`);
  throw unsupported("gradient-missing", `There is no gradient for ${listed(named)}.`, {
    node: label(missing[0]!.node),
    found: `it blocks ${blocked.size} of ${targets.length} weights: ${listed([...blocked])}`,
    hint: "Train other weights only (--train, --freeze), or open an issue that names the operator.",
  });
}

const SHOWN = 8;
const listed = (names: readonly string[]) =>
  names.length <= SHOWN ? names.join(", ") : `${names.slice(0, SHOWN).join(", ")} and ${names.length - SHOWN} more`;
