// What static quantization will do to a model, known without reading a weight and without data: which nodes become integer
// clusters, which values are quantized with which others, and why everything else stays float.

import { label, type Model, type Node } from "../../ir/model.js";
import type { Target } from "../../targets/target.js";
import type { Settings } from "../options.js";
import { selection } from "../select.js";
import { GraphFacts } from "./graph-facts.js";
import { type Cluster, hiddenNodes, type Islands, islandsOf, takenBy } from "./islands.js";
import { type ScaleGroup, scaleGroups } from "./scale-groups.js";

export interface PlannedCluster {
  readonly node: Node;
  readonly label: string;
  /** Names of the weights that it multiplies by (not biases). */
  readonly weights: readonly string[];
  /** The values that it takes as integers. */
  readonly activations: readonly string[];
  /** What it gives, behind its Relu or Clip; as integers where `quantized` has it. */
  readonly results: readonly string[];
  /** The fused operator that ONNX Runtime makes of it. */
  readonly operator: string;
}

export interface StaticPlan {
  /** In graph order. */
  readonly clusters: readonly PlannedCluster[];
  /** Values with a pair of QuantizeLinear and DequantizeLinear, in graph order. */
  readonly quantized: readonly string[];
  readonly kept: readonly { readonly node: Node; readonly reason: string }[];
}

/** What the writer needs beside. */
export interface DetailedPlan extends StaticPlan {
  readonly facts: GraphFacts;
  readonly islands: Islands;
  readonly groups: ReadonlyMap<string, ScaleGroup>;
}

/**
 * The plan for a model that `prepareStatic` has prepared. Reads no weight. `without`: values that cannot be quantized. Throws
 * what `selection` throws.
 */
export function planStatic(
  model: Model,
  settings: Settings,
  _target: Target,
  without: ReadonlySet<string> = new Set(),
): DetailedPlan {
  const facts = new GraphFacts(model);
  // A depthwise filter has few weights, and leaving it float would cut its island in two.
  const islands = islandsOf(facts, selection(model, { ...settings, minimum: 0 }), settings, without);
  const quantized = quantizedValues(islands, facts);
  const clusters = [...islands.clusters.values()].map((cluster) => planned(cluster, quantized, facts));
  const kept = [...islands.kept, ...hiddenNodes(model, facts)].map(([node, reason]) => ({ node, reason }));
  return {
    clusters,
    quantized: [...quantized],
    kept,
    facts,
    islands,
    groups: scaleGroups([...quantized], islands, facts),
  };
}

/** What is taken as integers, and what fuses only when it is given as such; in graph order. */
function quantizedValues({ clusters, wanted }: Islands, facts: GraphFacts): Set<string> {
  const all = new Set(wanted);
  for (const { node, use, tails } of clusters.values()) {
    for (const { result, nodes } of tails) {
      // A Gemm with a Relu behind it becomes one float operator of both before it could become an integer one.
      if (use.result === "integer" || (node.opType === "Gemm" && nodes.length > 0)) all.add(result);
    }
  }
  const ordered = new Set<string>();
  for (const { name } of facts.graph.inputs) if (all.has(name)) ordered.add(name);
  for (const { outputs } of facts.graph.nodes) for (const name of outputs) if (all.has(name)) ordered.add(name);
  return ordered;
}

function planned(cluster: Cluster, quantized: ReadonlySet<string>, facts: GraphFacts): PlannedCluster {
  const { node, use, tails } = cluster;
  const results = tails.map(({ result }) => result);
  const weight = use.weight && facts.weight(node, use.weight.input)?.weight.name;
  const floats = use.becomesFloat !== undefined && !results.some((name) => quantized.has(name));
  return {
    node,
    label: label(node),
    weights: weight === undefined ? [] : [weight],
    activations: takenBy(cluster, facts),
    results,
    operator: floats ? use.becomesFloat! : use.becomes,
  };
}
