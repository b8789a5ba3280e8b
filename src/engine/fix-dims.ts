// Writes the sizes of a binding into the model's inputs: `--fix-dims`.

import type { Dim, Graph, Model, ValueInfo } from "../ir/model.js";
import type { Binding } from "./dims.js";

/**
 * The model with fixed input shapes. Symbols of the outputs that are bound become numbers, others unknown; shapes of
 * inner values, which may now be stale, are dropped. The model itself when nothing is symbolic.
 */
export function fixDims(model: Model, binding: Binding): Model {
  const { graph } = model;
  const inputs = graph.inputs.map((input) => fixInput(input, binding));
  if (inputs.every((input, i) => input === graph.inputs[i])) return model;
  const outputs = graph.outputs.map((output) =>
    withShape(output, (shape) =>
      shape.map((dim) => (typeof dim === "string" ? (binding.sizes.get(dim) ?? null) : dim)),
    ),
  );
  const fixed: Graph = { ...graph, inputs, outputs, valueInfo: new Map() };
  return { ...model, graph: fixed };
}

function fixInput(input: ValueInfo, { shapes }: Binding): ValueInfo {
  const shape = shapes.get(input.name);
  return shape === undefined ? input : withShape(input, () => shape, true);
}

function withShape(info: ValueInfo, change: (shape: readonly Dim[]) => readonly Dim[], evenUnknown = false): ValueInfo {
  const { type } = info;
  if (type?.kind !== "tensor" || (type.shape === undefined && !evenUnknown)) return info;
  const shape = change(type.shape ?? []);
  if (type.shape !== undefined && shape.every((dim, i) => dim === type.shape![i])) return info;
  return { ...info, type: { ...type, shape } };
}
