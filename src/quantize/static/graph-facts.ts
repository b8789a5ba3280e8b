// What the planner looks up in the main graph: who makes and reads a value, what is constant, which weight a node sees.

import { guessedDTypes } from "../../engine/dtypes.js";
import type { Graph, Initializer, Model, Node } from "../../ir/model.js";
import { consumers, producers, subgraphs } from "../../ir/traverse.js";
import type { DType } from "../../tensor/dtype.js";
import { fromFloat16 } from "../../tensor/float16.js";
import { viewDims } from "../../weights/views.js";
import { type Consumer, collectWeights, type Weight } from "../../weights/weights.js";
import type { Site } from "./operators/index.js";

export interface SeenWeight {
  readonly weight: Weight;
  readonly consumer: Consumer;
}

export class GraphFacts implements Site {
  readonly #producers: ReadonlyMap<string, Node>;
  readonly #consumers: ReadonlyMap<string, readonly Node[]>;
  readonly #dtypes: ReadonlyMap<string, DType>;
  readonly #inputs: ReadonlySet<string>;
  readonly #outputs: ReadonlySet<string>;
  readonly #weights = new Map<Node, Map<number, SeenWeight>>();
  readonly graph: Graph;
  readonly weights: readonly Weight[];

  /** The model must have been prepared: float constants are initializers. */
  constructor(readonly model: Model) {
    const { graph } = model;
    this.graph = graph;
    this.weights = collectWeights(model);
    this.#producers = producers(graph);
    this.#consumers = consumers(graph);
    this.#dtypes = guessedDTypes(graph);
    this.#inputs = new Set(graph.inputs.map(({ name }) => name));
    this.#outputs = new Set(graph.outputs.map(({ name }) => name));
    for (const weight of this.weights) {
      for (const consumer of weight.consumers) {
        if (consumer.node === undefined) continue;
        const inputs = this.#weights.get(consumer.node) ?? new Map<number, SeenWeight>();
        this.#weights.set(consumer.node, inputs.set(consumer.input, { weight, consumer }));
      }
    }
  }

  producer(name: string): Node | undefined {
    return this.#producers.get(name);
  }

  /** In graph order; nodes whose subgraphs capture the value included. */
  consumers(name: string): readonly Node[] {
    return this.#consumers.get(name) ?? [];
  }

  isInput(name: string): boolean {
    return this.#inputs.has(name);
  }

  isOutput(name: string): boolean {
    return this.#outputs.has(name);
  }

  dtype(name: string): DType | undefined {
    return this.#dtypes.get(name);
  }

  constant(name: string): Initializer | undefined {
    return this.#inputs.has(name) ? undefined : this.graph.initializers.get(name);
  }

  weight(node: Node, input: number): SeenWeight | undefined {
    return this.#weights.get(node)?.get(input);
  }

  weightDims(node: Node, input: number): readonly number[] | undefined {
    const seen = this.weight(node, input);
    return seen && !seen.weight.overridable ? viewDims(seen.consumer.view) : undefined;
  }

  numbers(name: string): readonly number[] | undefined {
    const found = this.constant(name);
    if (found === undefined || found.sparse !== undefined) return undefined;
    const { bytes } = found.data;
    if (bytes === undefined || bytes.byteLength > 64) return undefined;
    const copy = bytes.slice().buffer;
    if (found.dtype === "float32") return [...new Float32Array(copy)];
    if (found.dtype === "float16") return [...fromFloat16(new Uint16Array(copy))];
    return undefined;
  }

  /** Whether subgraphs of a node use values of this graph: they see them by name. */
  captures(node: Node): boolean {
    return subgraphs(node).length > 0;
  }
}
