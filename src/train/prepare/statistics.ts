// The running statistics of batch normalisations: constants that a training step may update.

import { floatOf } from "../../ir/attributes.js";
import type { Graph } from "../../ir/model.js";
import type { RunningStatistics } from "../prepared.js";
import type { Draft } from "./draft.js";

export function findStatistics(graph: Graph, { origins }: Draft): RunningStatistics[] {
  return graph.nodes.flatMap((node) => {
    if (node.domain !== "" || node.opType !== "BatchNormalization") return [];
    const [mean, variance] = [node.inputs[3]!, node.inputs[4]!];
    if (![mean, variance].every((name) => graph.initializers.has(name) && origins.has(name))) return [];
    return [{ node, mean, variance, momentum: floatOf(node, "momentum", 0.9) }];
  });
}
