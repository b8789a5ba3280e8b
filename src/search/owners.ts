// Which layer a rounded value counts for, and sets of things that belong together.

import type { Graph, Node } from "../ir/model.js";
import { weightsOf } from "../ops/index.js";

/** Relu after BatchNormalization after Conv, with something to spare. */
const FAR = 4;

/**
 * The layer whose result a value is: the node that made it, or the layer before it where only operators of one input
 * (Relu, Clip, Reshape) stand between them and none of what they pass is rounded. Undefined for inputs of the model.
 */
export function ownerOf(
  name: string,
  graph: Graph,
  makers: ReadonlyMap<string, Node>,
  rounded: ReadonlySet<string>,
): Node | undefined {
  const isConstant = (input: string) => input === "" || graph.initializers.has(input);
  const isLayer = (node: Node) =>
    weightsOf(node).some(({ input }) => isConstant(node.inputs[input] ?? "")) ||
    node.inputs.some((input) => rounded.has(input));
  const first = makers.get(name);
  let node = first;
  for (let steps = 0; node !== undefined && steps < FAR; steps++) {
    if (isLayer(node)) return node;
    const data: readonly string[] = node.inputs.filter((input) => !isConstant(input));
    node = data.length === 1 ? makers.get(data[0]!) : undefined;
  }
  return first;
}

/** Sets that grow together; each is known by its first member. */
export function unionOf<T>() {
  const heads = new Map<T, T>();
  const of = (one: T): T => {
    let head = one;
    for (let next = heads.get(head); next !== undefined; next = heads.get(head)) head = next;
    return head;
  };
  return {
    of,
    join(first: T, second: T): void {
      const [a, b] = [of(first), of(second)];
      if (a !== b) heads.set(b, a);
    },
  };
}
