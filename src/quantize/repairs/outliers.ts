// Outlier channels: the few columns of an activation that are far larger than all others are multiplied in float, so that
// the rest can be rounded with a small scale. x W = (x without them) W + (them) (their rows of W).

import { info, type Note } from "../../base/note.js";
import { makeNode } from "../../ir/build.js";
import { GraphEditor } from "../../ir/edit.js";
import { type Graph, label, type Node } from "../../ir/model.js";
import { consumers } from "../../ir/traverse.js";
import { scaledWeight } from "../../passes/scaled-weight.js";
import { channelStatistics } from "../../statistics/channel-statistics.js";
import { derivedData, float32, int64, type Tensor } from "../../tensor/tensor.js";
import { prepare } from "../prepare.js";
import { type Layer, layerOf, type Surroundings } from "./channels/layers.js";
import { floatPieces } from "./channels/magnitudes.js";
import { defineRepair, floatsObstacle, type Given, type Repaired } from "./repair.js";

/** An outlier is as many times larger than the channels that stay: two bits of precision for all of these. */
const PAYS = 4;
const SAMPLES = 32;

export const outliers = defineRepair({
  name: "outliers",
  summary: "Input channels of MatMul and Gemm that are far larger than the others are multiplied in float",
  reference: "https://arxiv.org/abs/2208.07339",
  stage: "before",
  obstacle: (settings) =>
    settings.activations === "float" ? "activations stay float, outliers and all" : floatsObstacle(settings),
  byDefault: () => false,
  apply,
});

async function apply({ model: given, settings, context }: Given): Promise<Repaired> {
  const model = await prepare(given);
  const { layers, notes } = candidates(model.graph, settings.minimum);
  const names = [...new Set(layers.map(({ node }) => node.inputs[0]!))];
  const found = await channelStatistics(
    model,
    names.map((name) => ({ name, axis: -1 })),
    context,
    { samples: SAMPLES },
  );
  const editor = new GraphEditor(model.graph);
  const keep: string[] = [];
  const split = new Map<string, Split | undefined>();
  for (const layer of layers) {
    const [input = ""] = layer.node.inputs;
    const known = found.get(input);
    if (!split.has(input)) {
      const which = known ? outliersOf(known.absmax, settings.outlierShare) : [];
      split.set(input, which.length > 0 ? splitInput(editor, layer, input, which, keep) : undefined);
    }
    const parts = split.get(input);
    if (parts === undefined) continue;
    splitLayer(editor, layer, parts, keep);
    const text = `Of its ${layer.inputs} input channels ${parts.which.length} are multiplied in float: they are above ${PAYS} times all others.`;
    notes.push(info("outliers-float", text, label(layer.node)));
  }
  if (keep.length === 0) {
    const text = `No layer has input channels ${PAYS} times larger than all but ${100 * settings.outlierShare} % of them.`;
    return { model: given, notes: [info("no-outliers", text), ...notes] };
  }
  return { model: { ...model, graph: editor.done() }, notes, keep };
}

/** MatMul and Gemm over a weight of their own. */
function candidates(graph: Graph, minimum: number): { layers: Layer[]; notes: Note[] } {
  const around: Surroundings = {
    graph,
    consumers: consumers(graph),
    inputs: new Set(graph.inputs.map(({ name }) => name)),
    outputs: new Set(graph.outputs.map(({ name }) => name)),
  };
  const layers: Layer[] = [];
  const notes: Note[] = [];
  for (const node of graph.nodes) {
    if (node.domain !== "" || (node.opType !== "MatMul" && node.opType !== "Gemm")) continue;
    const layer = layerOf(node, around);
    const constant = graph.initializers.has(node.inputs[1] ?? "");
    if (typeof layer === "string") {
      if (constant) notes.push(info("no-outliers", `Outliers are not looked for: ${layer}.`, label(node)));
    } else if (layer.tensor.dtype === "float32" && layer.inputs * layer.outputs >= minimum && alpha(node) === 1) {
      layers.push(layer);
    }
  }
  return { layers, notes };
}

function alpha(node: Node): number {
  const value = node.attributes.get("alpha");
  return value?.type === "float" ? value.value : 1;
}

/** Channels above `PAYS` times the largest that would stay, in order; at most `share` of all. */
export function outliersOf(widths: Float64Array, share: number): number[] {
  const most = Math.floor(widths.length * share);
  const limit = PAYS * ([...widths].sort((a, b) => b - a)[most] ?? 0);
  if (most === 0 || !(limit > 0)) return [];
  return [...widths.keys()].filter((channel) => widths[channel]! > limit);
}

/** An activation in two: the outliers, and all with zeros for them. */
interface Split {
  readonly which: readonly number[];
  readonly rest: string;
  readonly large: string;
}

function splitInput(editor: GraphEditor, layer: Layer, input: string, which: readonly number[], keep: string[]): Split {
  const large = editor.unique(`${input}_outliers`);
  const rest = editor.unique(`${input}_without_outliers`);
  const [indices, mask] = [editor.unique(`${large}_indices`), editor.unique(`${rest}_mask`)];
  const outside = new Set(which);
  editor.setInitializer(indices, int64([which.length], which));
  editor.setInitializer(
    mask,
    float32(
      [layer.inputs],
      Array.from({ length: layer.inputs }, (_, channel) => (outside.has(channel) ? 0 : 1)),
    ),
  );
  // Negative axes of Gather came with opset 11: a Gemm has two axes, of a MatMul the last is meant.
  const axis = layer.node.opType === "Gemm" ? 1 : -1;
  editor.insertBefore(layer.node, [
    makeNode("Gather", [input, indices], [large], { name: large, attributes: { axis } }),
    makeNode("Mul", [input, mask], [rest], { name: rest }),
  ]);
  keep.push(large, rest);
  return { which, rest, large };
}

function splitLayer(editor: GraphEditor, layer: Layer, { which, rest, large }: Split, keep: string[]): void {
  const { node, tensor, weight } = layer;
  const output = node.outputs[0]!;
  const [rows, most, few] = [`${weight}_outliers`, `${output}_most`, `${output}_outliers`].map((name) =>
    editor.unique(name),
  );
  const outside = new Map(which.map((channel, at) => [channel, at]));
  editor.setInitializer(rows!, rowsOf(layer, outside));
  const factor = (row: number) => (outside.has(layer.inputOf(row)) ? 0 : 1);
  editor.setInitializer(weight, scaledWeight(tensor, { length: 1, factor }));
  const names = [`${few}_matmul`, `${few}_add`] as const;
  editor.replace(node, [
    { ...node, inputs: [rest, ...node.inputs.slice(1)], outputs: [most!] },
    makeNode("MatMul", [large, rows!], [few!], { name: names[0] }),
    makeNode("Add", [most!, few!], [output], { name: names[1] }),
  ]);
  keep.push(...names);
}

/** The rows of a weight that belong to the outliers, [outliers, outputs], read when they are wanted. */
function rowsOf(layer: Layer, outside: ReadonlyMap<number, number>): Tensor {
  const { outputs, tensor } = layer;
  const size = outside.size * outputs;
  return {
    dtype: "float32",
    dims: [outside.size, outputs],
    data: derivedData(4 * size, async function* () {
      const rows = new Float32Array(size);
      let element = 0;
      for await (const piece of floatPieces(tensor)) {
        for (const value of piece) {
          const at = outside.get(layer.inputOf(element));
          if (at !== undefined) rows[at * outputs + layer.outputOf(element)] = value;
          element++;
        }
      }
      yield new Uint8Array(rows.buffer);
    }),
  };
}
