// Which clusters of a plan ONNX Runtime did fuse: its optimised graph is written to a file and read back. The proof that
// pairs stand where they should, and the list of those that do not.

import { optimisedModel } from "../../engine/optimised.js";
import type { EngineServices } from "../../engine/session.js";
import type { Model, Node } from "../../ir/model.js";
import { consumers, producers } from "../../ir/traverse.js";
import type { StaticPlan } from "./plan.js";

export interface FusedCluster {
  /** Label of the node in the float model, and in the result. */
  readonly node: string;
  /** The operator that was planned. */
  readonly wanted: string;
  /** What the runtime runs there: the operator, or undefined where the node is gone. */
  readonly found: string | undefined;
}

export interface FusedReport {
  readonly fused: readonly FusedCluster[];
  readonly unfused: readonly (FusedCluster & { readonly reason: string })[];
  /** QuantizeLinear and DequantizeLinear of activations that the runtime runs at every inference. */
  readonly conversions: { readonly quantize: number; readonly dequantize: number };
  /** Operators of the optimised graph, counted. */
  readonly operators: ReadonlyMap<string, number>;
}

/**
 * Compares the clusters of a plan with the graph that the runtime makes of the result at level "extended". Undefined where
 * the runtime cannot write it (onnxruntime-web). Throws what opening a session throws.
 */
export async function fusedReport(
  result: Model,
  plan: Pick<StaticPlan, "clusters">,
  services: EngineServices,
): Promise<FusedReport | undefined> {
  const optimised = await optimisedModel(result, services);
  if (optimised === undefined) return undefined;
  const { graph } = optimised;
  const operators = new Map<string, number>();
  for (const { opType } of graph.nodes) operators.set(opType, (operators.get(opType) ?? 0) + 1);
  const byName = new Map(graph.nodes.map((node) => [node.name, node]));
  const makers = producers(graph);
  const readers = consumers(graph);
  const fused: FusedCluster[] = [];
  const unfused: (FusedCluster & { reason: string })[] = [];
  for (const { label: name, operator: wanted, node } of plan.clusters) {
    const found = byName.get(name) ?? byName.get(`${name}_nhwc`);
    const entry = { node: name, wanted, found: found?.opType };
    if (found === undefined && wanted !== node.opType) {
      unfused.push({ ...entry, reason: "the runtime merged or removed it" });
    } else if (found === undefined || sameOperator(found, wanted, node)) {
      const floats = found && wanted === node.opType ? betweenPairs(found, makers, readers) : undefined;
      if (floats === undefined) fused.push(entry);
      else unfused.push({ ...entry, reason: floats });
    } else {
      unfused.push({ ...entry, reason: `the runtime left it as ${found.opType}` });
    }
  }
  const constants = graph.initializers;
  const conversions = {
    quantize: graph.nodes.filter(({ opType }) => opType === "QuantizeLinear").length,
    dequantize: graph.nodes.filter(
      ({ opType, inputs }) => opType === "DequantizeLinear" && !constants.has(inputs[0] ?? ""),
    ).length,
  };
  return { fused, unfused, conversions, operators };
}

const sameOperator = ({ opType }: Node, wanted: string, node: Node) =>
  opType === wanted || (wanted === node.opType && opType === `Nhwc${wanted}`);

/** An operator that moves numbers runs on codes unless pairs stand around it. */
function betweenPairs(
  node: Node,
  makers: ReadonlyMap<string, Node>,
  readers: ReadonlyMap<string, readonly Node[]>,
): string | undefined {
  const before = makers.get(node.inputs[0] ?? "")?.opType === "DequantizeLinear";
  const after = node.outputs.some((name) => readers.get(name)?.some(({ opType }) => opType === "QuantizeLinear"));
  return before && after ? "the pairs around it are still there" : undefined;
}
