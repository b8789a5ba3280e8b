// What `prepare` gives: a model ready to be differentiated, and the way back to the user's.

import { internal } from "../base/errors.js";
import type { Note } from "../base/note.js";
import type { Model, Node } from "../ir/model.js";
import { float32 } from "../tensor/tensor.js";
import type { Value } from "../tensor/value.js";
import type { ExtraWeight } from "./attached.js";
import type { ValueShape } from "./emitter.js";

export interface TrainableWeight {
  /** A float32 initializer of `prepared.model`, never a graph input there. */
  readonly name: string;
  /** The tensor of the user's model that it came from: an initializer, or the output of a Constant node. */
  readonly source: string;
  readonly dims: readonly number[];
}

/** What a loss reads of a float output: the values before its last activation, where that is one that losses contain. */
export interface Head {
  readonly output: string;
  /** The output itself where there is no activation. */
  readonly logits: string;
  readonly activation: "none" | "softmax" | "log-softmax" | "sigmoid";
  /** The axis of the classes in `logits`, counted from the front: that of the activation, else the likely one. */
  readonly axis: number;
}

/** A BatchNormalization whose running statistics are constants. */
export interface RunningStatistics {
  /** A node of `prepared.model`. */
  readonly node: Node;
  /** Initializers of `prepared.model`. */
  readonly mean: string;
  readonly variance: string;
  /** ONNX's: the share of the old value that stays. */
  readonly momentum: number;
}

export interface Prepared {
  /** Flat, of static shapes and opset 21 or newer; composite operators are lowered. Its outputs are the user's. */
  readonly model: Model;
  /** Of every value of `model`, initializers included. */
  readonly shapes: ReadonlyMap<string, ValueShape>;
  /** Samples in one batch. */
  readonly batch: number;
  /** Names of the inputs to be fed, in order. Scalar integer inputs are constants of the model and not among them. */
  readonly inputs: readonly string[];
  /** Everything that may be trained, in the order in which the graph reads it. */
  readonly weights: readonly TrainableWeight[];
  readonly statistics: readonly RunningStatistics[];
  /** One for each float output. */
  readonly heads: readonly Head[];
  readonly notes: readonly Note[];
  /**
   * The user's model with these values (float32, by the names of `model`) for weights and statistics, each rounded to the
   * form in which it is stored. What is not in `values`, or has not changed, stays the very same tensor.
   */
  restore(values: ReadonlyMap<string, Value>): Promise<Model>;
}

/** With weights of other methods beside the model's own. `restore` knows nothing of them. */
export function withWeights(prepared: Prepared, extra: readonly ExtraWeight[]): Prepared {
  const { model } = prepared;
  const initializers = new Map(model.graph.initializers);
  const shapes = new Map(prepared.shapes);
  for (const { name, dims, initial } of extra) {
    if (shapes.has(name)) throw internal(`there is a value "${name}" already`);
    initializers.set(name, float32(dims, initial));
    shapes.set(name, { dtype: "float32", dims });
  }
  return { ...prepared, shapes, model: { ...model, graph: { ...model.graph, initializers } } };
}
