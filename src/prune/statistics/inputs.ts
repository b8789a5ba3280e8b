// The mean square of what each position along the reduction axis of a weight is multiplied with.

import { intOf } from "../../ir/attributes.js";
import type { Model, Node } from "../../ir/model.js";
import { operatorKey } from "../../ops/operator.js";
import { channelStatistics } from "../../statistics/channel-statistics.js";
import type { StepContext } from "../../step/step.js";
import { matrixUses } from "../../weights/weights.js";
import type { Layer } from "../scores/layers.js";

/** Axis `axis` of `name` (from 0, or from -1 backwards) is what the weight is summed along. */
interface Input {
  readonly name: string;
  readonly axis: number;
}

/** Where a layer's inputs are seen, one for each of its users; or why they are not. */
export function inputsOf(model: Model, { weight, reductionAxis }: Layer): readonly Input[] | { obstacle: string } {
  const uses = matrixUses(weight);
  if (uses.length === 0) return { obstacle: "no operator is known that multiplies with it" };
  const found: Input[] = [];
  for (const { node, graph, input, use } of uses) {
    if (use.role === "table") continue;
    if (graph !== model.graph) return { obstacle: `${node.opType} uses it inside a subgraph` };
    const seen = inputOf(node, input);
    if (seen === undefined) return { obstacle: `what ${node.opType} multiplies it with is not known` };
    found.push(seen);
  }
  if (found.length === 0) return { obstacle: "rows of a table are looked up, not multiplied" };
  if (reductionAxis === undefined) return { obstacle: "it is reshaped before it is multiplied" };
  return found;
}

function inputOf(node: Node, input: number): Input | undefined {
  const [left, right] = [node.inputs[0]!, node.inputs[1]!];
  switch (operatorKey(node)) {
    case "Conv":
    case "ConvTranspose":
    case "com.microsoft:FusedConv":
      return input === 1 ? { name: left, axis: 1 } : undefined;
    case "MatMul":
      return input === 1 ? { name: left, axis: -1 } : { name: right, axis: -2 };
    case "Gemm":
      return input === 1
        ? { name: left, axis: intOf(node, "transA", 0) === 0 ? 1 : 0 }
        : { name: right, axis: intOf(node, "transB", 0) === 0 ? 0 : 1 };
    // Of a recurrent layer the matrix of the inputs; what the other is multiplied with stays inside.
    case "LSTM":
    case "GRU":
    case "RNN":
    case "com.microsoft:Attention":
      return input === 1 ? { name: left, axis: -1 } : undefined;
    default:
      return undefined;
  }
}

/** Mean squares by weight, over all uses, in one pass over the data for each axis that is looked along. */
export async function inputSquares(
  model: Model,
  layers: readonly Layer[],
  samples: number,
  context: StepContext,
): Promise<ReadonlyMap<string, Float64Array>> {
  const inputs = layers.flatMap((layer) => {
    const found = inputsOf(model, layer);
    return "obstacle" in found ? [] : [{ name: layer.name, found }];
  });
  const byAxis = new Map<number, Set<string>>();
  for (const { found } of inputs) {
    for (const { name, axis } of found) byAxis.set(axis, (byAxis.get(axis) ?? new Set()).add(name));
  }
  const seen = new Map<number, Awaited<ReturnType<typeof channelStatistics>>>();
  for (const [axis, names] of byAxis) {
    const wanted = Array.from(names, (name) => ({ name, axis }));
    seen.set(axis, await channelStatistics(model, wanted, context, { samples }));
  }
  return new Map(
    inputs.map(({ name, found }) => {
      const parts = found.map((input) => seen.get(input.axis)!.get(input.name)!);
      const count = parts.reduce((sum, part) => sum + part.count, 0);
      return [
        name,
        parts[0]!.meanSquare.map(
          (_, at) => parts.reduce((sum, part) => sum + part.meanSquare[at]! * part.count, 0) / Math.max(count, 1),
        ),
      ];
    }),
  );
}
