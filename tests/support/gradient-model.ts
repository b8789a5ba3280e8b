// One model with the forward node of a gradient case, its loss, and the backward pass.

import { graphBuilder, type ModelOptions, makeNode } from "../../src/ir/build.js";
import type { Model } from "../../src/ir/model.js";
import { float32, tensor } from "../../src/tensor/tensor.js";
import { backward } from "../../src/train/backward.js";
import { Emitter, type ValueShape } from "../../src/train/emitter.js";
import type { Filled, Float } from "./gradient-fill.js";
import { type Results, sourceOf } from "./gradient-forward.js";
import type { GradientCase } from "./gradients.js";

export interface GradientModel {
  readonly model: Model;
  readonly dtype: Float;
  /** Names of the graph inputs. */
  readonly feeds: readonly string[];
  /** Graph outputs: the gradient of each input asked for. */
  readonly gradients: ReadonlyMap<string, string>;
  /** Dimensions of the inputs asked for. */
  readonly dims: ReadonlyMap<string, readonly number[]>;
  /** Nodes of the backward pass. */
  readonly written: number;
  /** Graph outputs, with `probe`: every value of the backward pass as the emitter declared it. */
  readonly declared: readonly { readonly name: string; readonly shape: ValueShape }[];
}

export interface GradientOptions {
  readonly dtype: Float;
  /** For each use of the operator, the gradient of the loss with respect to each output. */
  readonly uses: readonly (readonly (Float64Array | undefined)[])[];
  /** The loss also reads each input, times `filled.direct`. */
  readonly direct?: boolean;
  /** An input that becomes an initializer. */
  readonly frozen?: string;
  /** The first is replaced by the second: one value for two inputs. */
  readonly alias?: readonly [string, string];
  readonly probe?: boolean;
}

/** `results`: the forward values, for their shapes. */
export function backwardGraph(
  one: GradientCase,
  filled: Filled,
  results: Results,
  { dtype, uses, direct = false, frozen, alias, probe = false }: GradientOptions,
): GradientModel {
  const source = sourceOf(filled, dtype, frozen);
  const emit = new Emitter(source);
  const wrt = one.wrt ?? Object.keys(one.inputs);
  const constant = (values: Float64Array, dims: readonly number[]) =>
    emit.store("fixed", dtype === "float32" ? float32(dims, values) : tensor("float64", dims, values));
  const parts: string[] = [];
  uses.forEach((directions) => {
    const inputs = filled.node.inputs.map((name) => (name === alias?.[0] ? alias[1] : name));
    const outputs = emitForward(one, { ...filled, node: { ...filled.node, inputs } }, results, emit, dtype);
    directions.forEach((direction, index) => {
      if (direction === undefined) return;
      const fixed = constant(direction, results[index]!.dims);
      parts.push(emit.total(emit.mul(emit.cast(outputs[index]!, dtype), fixed)));
    });
  });
  if (direct) {
    for (const name of wrt) {
      parts.push(emit.total(emit.mul(name, constant(filled.direct.get(name)!, emit.dims(name)))));
    }
  }
  if (parts.length === 0) throw new Error("the loss of the case reads no output");
  const loss = parts.reduce((sum, part) => emit.add(sum, part));
  const forward = [...emit.nodes];
  const found = backward({ nodes: forward, loss, targets: wrt }, emit);
  const written = emit.nodes.slice(forward.length);

  const builder = graphBuilder();
  const feeds = [...filled.inputs.keys()].filter((name) => name !== frozen && name !== alias?.[0]);
  for (const name of feeds) builder.input(name, dtype, emit.dims(name));
  for (const [name, value] of [...source.constants, ...emit.initializers]) builder.initializer(name, value);
  const declared = probe ? written.flatMap((node) => node.outputs).filter((name) => name !== "") : [];
  for (const name of declared) builder.output(name);
  const gradients = new Map([...found].map(([name]) => [name, `gradient.${name}`]));
  for (const name of gradients.values()) builder.output(name);
  // A gradient may be an initializer or another's: outputs have names of their own.
  const named = [...found].map(([name, gradient]) => makeNode("Identity", [gradient], [gradients.get(name)!]));
  return {
    model: { ...builder.model(caseOpsets(one)), graph: { ...builder.graph(), nodes: [...emit.nodes, ...named] } },
    dtype,
    feeds,
    gradients,
    dims: new Map(wrt.map((name) => [name, [...emit.dims(name)]])),
    written: written.length,
    declared: declared.map((name) => ({ name, shape: emit.shape(name) })),
  };
}

function emitForward(
  one: GradientCase,
  { node, dtype: own }: Filled,
  results: Results,
  emit: Emitter,
  dtype: Float,
): string[] {
  if (one.lower !== undefined) return [...one.lower(node, emit)];
  const outputs = node.outputs.map((_, index) => {
    const name = emit.unique("result");
    const { dtype: made, dims } = results[index]!;
    return emit.declare(name, { dtype: made === own ? dtype : made, dims });
  });
  emit.nodes.push({ ...node, name: outputs[0]!, outputs });
  return outputs;
}

export const caseOpsets = (one: GradientCase): ModelOptions => ({
  opset: one.opset ?? 21,
  opsets: { "com.microsoft": 1 },
});
