// Blocks that make one layer: attention and the feed-forward blocks behind it.

import type { Graph } from "../../ir/model.js";
import { producers } from "../../ir/traverse.js";
import type { Block } from "./blocks.js";

/**
 * A block that mixes positions (attention, recurrence) begins a layer; blocks directly behind it that do not, belong to it.
 * Blocks of networks without attention are layers of their own.
 */
export function joinLayers(graph: Graph, blocks: readonly Block[]): readonly Block[] {
  const makers = producers(graph);
  const order = new Map(graph.nodes.map((node, at) => [node, at]));
  const layers: Block[][] = [];
  for (const block of blocks) {
    const layer = layers.at(-1);
    const before = layer?.at(-1)?.additions.at(-1)?.result;
    const from = block.additions[0].kept;
    const follows = from === before || makers.get(from)?.inputs[0] === before;
    if (layer !== undefined && before !== undefined && mixes(layer[0]!) && !mixes(block) && follows) layer.push(block);
    else layers.push([block]);
  }
  return layers.map((parts) => {
    const nodes = parts.flatMap((part) => part.nodes).sort((a, b) => order.get(a)! - order.get(b)!);
    const [first, ...others] = parts.flatMap((part) => part.additions);
    return { name: parts[0]!.name, additions: [first!, ...others], nodes, postNorm: parts.at(-1)!.postNorm };
  });
}

const mixes = ({ nodes }: Block): boolean =>
  nodes.some(({ opType }) => opType === "Softmax" || opType.includes("Attention") || RECURRENT.has(opType));

const RECURRENT = new Set(["LSTM", "GRU", "RNN"]);
