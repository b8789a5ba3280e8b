// The graph of a step while it is written: its inputs, state, results, and the emitter that knows the prepared model.

import { internal, unsupported } from "../base/errors.js";
import type { Note } from "../base/note.js";
import { makeNode, tensorInfo } from "../ir/build.js";
import type { Graph, Initializer, Model, ValueInfo } from "../ir/model.js";
import { ancestry, definitions } from "../ir/traverse.js";
import { elementCount } from "../tensor/dtype.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Value } from "../tensor/value.js";
import { blocked } from "./blocked.js";
import type { Block } from "./blocks.js";
import { Emitter, type ValueShape } from "./emitter.js";
import type { Prepared } from "./prepared.js";
import { type RecomputeOptions, recompute as repeated } from "./recompute/recompute.js";

export type StateKind = "weight" | "statistics" | "optimizer" | "accumulator" | "average";

export interface WrittenState {
  readonly input: string;
  readonly kind: StateKind;
  readonly block: Block | undefined;
  /** Whether it begins as the block's weights; else as zeros. */
  readonly copied: boolean;
}

export class StepWriter {
  readonly emit: Emitter;
  readonly states: WrittenState[] = [];
  readonly scalars: string[] = [];
  readonly results: string[] = [];
  readonly #prepared: Prepared;
  readonly #inputs: ValueInfo[] = [];
  readonly #outputs: ValueInfo[] = [];
  readonly #next = new Map<string, string>();
  /** Inputs that change from batch to batch. */
  readonly #data: string[] = [];

  /** `variable`: initializers that the step changes, so that nothing may be read off them. `block`: see train/blocked, or 0. */
  constructor(prepared: Prepared, variable: ReadonlySet<string>, block = 0) {
    this.#prepared = prepared;
    const { graph } = prepared.model;
    const taken = definitions(graph);
    const constant = (name: string) => {
      const value = variable.has(name) ? undefined : graph.initializers.get(name);
      return value === undefined || value.sparse ? undefined : value;
    };
    const source = {
      shape: (name: string) => prepared.shapes.get(name),
      has: (name: string) => taken.has(name),
      constant,
    };
    this.emit = new Emitter(source, block);
  }

  /** An input of data whose shape is known: one of the prepared model, or declared. */
  feed(name: string): void {
    const { dtype, dims } = this.emit.shape(name);
    this.#data.push(name);
    this.#inputs.push(tensorInfo(name, dtype, dims));
  }

  /** Another input of data. */
  data(name: string, shape: ValueShape): void {
    this.#data.push(this.#input(name, shape));
  }

  #input(name: string, shape: ValueShape): string {
    if (this.emit.has(name)) throw taken(name);
    this.#inputs.push(tensorInfo(name, shape.dtype, shape.dims));
    return this.emit.declare(name, shape);
  }

  scalar(name: string): string {
    if (this.scalars.includes(name)) return name;
    this.scalars.push(name);
    return this.#input(name, { dtype: "float32", dims: [] });
  }

  /** A float32 state of the block's dimensions; a scalar without one. */
  state(kind: StateKind, name: string, block: Block | undefined, copied: boolean): string {
    const shape: ValueShape = { dtype: "float32", dims: block?.dims ?? [] };
    this.states.push({ input: name, kind, block, copied });
    // A weight that stands alone keeps its name: here it is no initializer any more.
    if (kind === "weight" && block?.packed === false) {
      this.#inputs.push(tensorInfo(name, shape.dtype, shape.dims));
      return this.emit.declare(name, shape);
    }
    return this.#input(name, shape);
  }

  next(before: string, after: string): void {
    this.#next.set(before, after);
    const { dtype, dims } = this.emit.shape(after);
    this.#outputs.push(tensorInfo(after, dtype, dims));
  }

  after(before: string): string {
    const after = this.#next.get(before);
    if (after === undefined) throw internal(`the state "${before}" has no next value`);
    return after;
  }

  /** An output that is no state. */
  result(name: string, value: string): void {
    if (this.emit.has(name)) throw taken(name);
    const shape = this.emit.shape(value);
    this.emit.nodes.push(makeNode("Identity", [value], [name]));
    this.emit.declare(name, shape);
    this.#report(name);
  }

  /** An output of the user's model, which the forward pass gives under its own name. */
  output(name: string): void {
    this.#report(name);
  }

  #report(name: string): void {
    const { dtype, dims } = this.emit.shape(name);
    this.results.push(name);
    this.#outputs.push(tensorInfo(name, dtype, dims));
  }

  /**
   * Nodes, constants and opsets as they are needed; nothing that no output needs. With `recompute` activations up to
   * `differentiated` (values that the losses read) are computed again in the backward pass.
   */
  model(recompute?: { readonly differentiated: readonly string[]; readonly options: RecomputeOptions }): {
    readonly model: Model;
    readonly notes: readonly Note[];
  } {
    const { model } = this.#prepared;
    const { emit } = this;
    const inputs = this.#inputs;
    const variable = new Set(inputs.map(({ name }) => name));
    const outputs = this.#outputs.map(({ name }) => name);
    const isConstant = (name: string) =>
      !variable.has(name) && (model.graph.initializers.has(name) || emit.initializers.has(name));
    const { block } = emit;
    const written = emit.nodes;
    const whole: Graph = {
      name: model.graph.name,
      docString: "",
      inputs,
      outputs: this.#outputs,
      valueInfo: new Map(),
      nodes: block === 0 ? written : blocked({ nodes: written, emit, block, outputs, isConstant }),
      initializers: new Map(),
    };
    const needed = ancestry(whole, outputs);
    const again =
      recompute &&
      repeated(
        { nodes: needed.nodes, differentiated: recompute.differentiated, data: this.#data, outputs, emit },
        recompute.options,
      );
    const graph: Graph = { ...whole, nodes: again?.nodes ?? needed.nodes };
    const { names } = again === undefined ? needed : ancestry(graph, outputs);
    const initializers = new Map<string, Initializer>();
    for (const [name, value] of [...model.graph.initializers, ...emit.initializers]) {
      if (names.has(name) && !variable.has(name)) initializers.set(name, value);
    }
    const opsets = new Map(model.opsets);
    for (const { domain } of graph.nodes) if (!opsets.has(domain)) opsets.set(domain, 1);
    return {
      model: { ...model, opsets, functions: [], graph: { ...graph, initializers } },
      notes: again?.notes ?? [],
    };
  }

  /** A fresh copy of a state before the first step. */
  async initial({ block, copied }: WrittenState): Promise<Value> {
    const dims = block?.dims ?? [];
    const data = new Float32Array(elementCount(dims));
    if (!copied) return { dtype: "float32", dims, data };
    let at = 0;
    for (const { name } of block?.weights ?? []) {
      const bytes = await dense(this.#prepared, name).data.read();
      // A copy is aligned; the bytes of a file need not be.
      const values = new Float32Array(bytes.slice().buffer);
      data.set(values, at);
      at += values.length;
    }
    return { dtype: "float32", dims, data };
  }
}

function dense({ model }: Prepared, name: string): Tensor {
  const found = model.graph.initializers.get(name);
  if (found === undefined || found.sparse) throw internal(`the weight "${name}" is no dense initializer`);
  return found;
}

const taken = (name: string) =>
  unsupported("step-name", `The model has a value called "${name}", which the training step needs for itself.`, {
    node: name,
    hint: "Rename it in the model.",
  });
