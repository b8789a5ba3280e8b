// max(relu(x)) = relu(max(x)): a MaxPool behind a Relu changes places with it. The result is the same bit for bit, and so are the
// gradients; but the Relu, its mask and its product then work on the pooled tensor, a quarter of the size or less. In SqueezeNet,
// whose largest activations stand there, that is a fifth of the memory of a step.

import type { Node } from "../ir/model.js";
import type { Emitter } from "./emitter.js";

/** Nodes of a forward pass, exchanged where nobody else reads the Relu. `kept`: outputs of nodes that must stay what they are. */
export function poolFirst(nodes: readonly Node[], kept: ReadonlySet<string>, emit: Emitter): readonly Node[] {
  const readers = new Map<string, number>();
  for (const { inputs } of nodes) for (const name of inputs) readers.set(name, (readers.get(name) ?? 0) + 1);
  const relus = new Map(nodes.filter(plain("Relu")).map((node) => [node.outputs[0]!, node]));
  const exchanged = new Map<Node, readonly Node[]>();
  for (const pool of nodes.filter(plain("MaxPool"))) {
    const relu = relus.get(pool.inputs[0]!);
    if (relu === undefined || readers.get(relu.outputs[0]!) !== 1 || kept.has(relu.outputs[0]!)) continue;
    const [result] = pool.outputs as [string];
    const pooled = emit.declare(emit.unique(`${result}_pooled`), emit.shape(result));
    exchanged.set(relu, []);
    exchanged.set(pool, [
      { ...pool, inputs: relu.inputs, outputs: [pooled] },
      { ...relu, inputs: [pooled], outputs: [result] },
    ]);
  }
  return exchanged.size === 0 ? nodes : nodes.flatMap((node) => exchanged.get(node) ?? [node]);
}

/** Of the default domain, with one output. */
const plain =
  (operator: string) =>
  ({ opType, domain, outputs }: Node): boolean =>
    opType === operator && domain === "" && outputs.filter((name) => name !== "").length === 1;
