// The forward pass of a gradient case, to be run many times: the runtime's kernel, or the case's own definition.

import { asNumbers } from "../../src/engine/feeds.js";
import { openSession } from "../../src/engine/session.js";
import { graphBuilder } from "../../src/ir/build.js";
import type { Graph } from "../../src/ir/model.js";
import type { DType } from "../../src/tensor/dtype.js";
import { Emitter, type ValueShape } from "../../src/train/emitter.js";
import { asValue, constantNumbers, constantTensor, type Filled, type Float } from "./gradient-fill.js";
import { caseOpsets } from "./gradient-model.js";
import type { Definition, GradientCase, Numbers64 } from "./gradients.js";
import { services } from "./services.js";

export interface Result extends Numbers64 {
  readonly dtype: DType;
}

/** Outputs by index. A definition may leave trailing ones out. */
export type Results = readonly Result[];

export interface Forward {
  run(inputs: ReadonlyMap<string, Numbers64>): Promise<Results>;
  release(): Promise<void>;
}

/** The case's own definition, in float64. */
export async function definitionForward(definition: Definition, one: GradientCase, filled: Filled): Promise<Forward> {
  if (typeof definition === "function") {
    const given = (inputs: ReadonlyMap<string, Numbers64>) =>
      filled.node.inputs.map((name) => {
        const constant = filled.constants.get(name);
        return constant === undefined ? inputs.get(name) : constantNumbers(constant);
      });
    const float = (result: Numbers64): Result => ({ ...result, dtype: "float64" });
    return {
      run: async (inputs) => definition(given(inputs), one.attributes ?? {}).map(float),
      release: async () => {},
    };
  }
  const emit = new Emitter(sourceOf(filled, "float64"));
  const outputs = definition.graph(emit, filled.node.inputs);
  const builder = graphBuilder();
  for (const [name, value] of emit.initializers) builder.initializer(name, value);
  for (const name of outputs) builder.output(name);
  const graph = builder.graph();
  return session({ ...graph, nodes: emit.nodes }, outputs, one, filled, "float64");
}

export function kernelForward(one: GradientCase, filled: Filled, dtype: Float): Promise<Forward> {
  const builder = graphBuilder();
  for (const name of filled.node.outputs) builder.output(name);
  return session({ ...builder.graph(), nodes: [filled.node] }, filled.node.outputs, one, filled, dtype);
}

async function session(
  graph: Graph,
  outputs: readonly string[],
  one: GradientCase,
  filled: Filled,
  dtype: Float,
): Promise<Forward> {
  const builder = graphBuilder();
  const used = new Set(graph.nodes.flatMap(({ inputs }) => inputs));
  const feeds = [...filled.inputs].filter(([name]) => used.has(name));
  for (const [name, { dims }] of feeds) builder.input(name, dtype, dims);
  for (const [name, value] of filled.constants) builder.initializer(name, constantTensor(value, dtype));
  const whole = builder.graph();
  const opened = await openSession(
    {
      ...builder.model(caseOpsets(one)),
      graph: { ...graph, inputs: whole.inputs, initializers: new Map([...whole.initializers, ...graph.initializers]) },
    },
    services,
  );
  return {
    async run(inputs) {
      const made = await opened.run(
        Object.fromEntries(feeds.map(([name]) => [name, asValue(inputs.get(name)!, dtype)])),
      );
      return outputs.map((name) => {
        const value = made[name]!;
        return { dtype: value.dtype, dims: value.dims, data: Float64Array.from(asNumbers(value)) };
      });
    },
    release: () => opened.release(),
  };
}

/** What an emitter must know of the inputs and constants of a case. */
export function sourceOf(filled: Filled, dtype: Float, frozen?: string) {
  const shapes = new Map<string, ValueShape>();
  for (const [name, { dims }] of filled.inputs) shapes.set(name, { dtype, dims });
  const constants = new Map(
    [...filled.constants].map(([name, value]) => [name, constantTensor(value, dtype)] as const),
  );
  for (const [name, tensor] of constants) shapes.set(name, tensor);
  if (frozen !== undefined) {
    const { dims, data } = filled.inputs.get(frozen)!;
    constants.set(frozen, constantTensor({ dims, values: [...data] }, dtype));
  }
  const taken = new Set([...shapes.keys(), ...filled.node.outputs]);
  return {
    shapes,
    constants,
    shape: (name: string) => shapes.get(name),
    has: (name: string) => taken.has(name),
    constant: (name: string) => constants.get(name),
  };
}
