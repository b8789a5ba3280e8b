// Writes a plan as QuantizeLinear and DequantizeLinear pairs, the form that every runtime reads and fuses as it can.
// A value keeps its name for the dequantized numbers, so that the float model and the result can be compared by name:
//   producer -> v_float -> QuantizeLinear -> v_quantized -> DequantizeLinear -> v
// Where float operators must go on seeing the unrounded numbers, the dequantized ones are called v_dequantized.

import { type Initializer, label, type Model, type Node } from "../../ir/model.js";
import { float32, type Tensor, tensor } from "../../tensor/tensor.js";
import { makeNode } from "../rewrite.js";
import type { ActivationGrid } from "./activation-grid.js";
import type { Cluster } from "./islands.js";
import type { DetailedPlan } from "./plan.js";
import type { Weights } from "./weights-of-plan.js";
import { Writing } from "./writing.js";

export function writeQdq(plan: DetailedPlan, grids: ReadonlyMap<string, ActivationGrid>, weights: Weights): Model {
  const { facts, islands } = plan;
  const { graph } = facts;
  const writing = new Writing(facts.model);
  const quantized = new Set(plan.quantized);
  const parameters = new Parameters(plan, grids, writing);
  /** What integer consumers read, where it has another name than the value. */
  const dequantized = new Map<string, string>();
  const nodes: Node[] = [];
  /** Pairs behind a value that is called `from` where it is float. */
  const pair = (value: string, from: string, to: string) => {
    const { scale, zeroPoint } = parameters.of(value);
    const codes = writing.fresh(`${value}_quantized`);
    nodes.push(makeNode("QuantizeLinear", [from, scale, zeroPoint], [codes]));
    nodes.push(makeNode("DequantizeLinear", [codes, scale, zeroPoint], [to]));
  };
  const beside = (value: string) => {
    const to = writing.fresh(`${value}_dequantized`);
    dequantized.set(value, to);
    pair(value, value, to);
  };
  for (const { name } of graph.inputs) if (quantized.has(name)) beside(name);
  for (const node of graph.nodes) {
    const cluster = islands.clusters.get(node);
    const renamed = new Map<string, string>();
    const after: (() => void)[] = [];
    for (const name of node.outputs) {
      if (!quantized.has(name)) continue;
      if (islands.makers.has(name) || !readByFloats(name, plan)) {
        const from = writing.fresh(`${name}_float`);
        renamed.set(name, from);
        after.push(() => pair(name, from, name));
      } else after.push(() => beside(name));
    }
    const outputs = node.outputs.map((name) => renamed.get(name) ?? name);
    let inputs = node.inputs;
    let { name } = node;
    if (cluster) {
      // So that it is called as it was, whatever its output is called now.
      if (name === "") name = label(node);
      inputs = integerInputs(cluster, { parameters, weights, writing, dequantized, nodes });
    }
    nodes.push(cluster || renamed.size > 0 ? { ...node, name, inputs, outputs } : node);
    for (const add of after) add();
  }
  return writing.done(nodes);
}

/** Whether someone needs the value as it is before it is rounded. */
function readByFloats(name: string, { facts, islands }: DetailedPlan): boolean {
  if (facts.isOutput(name)) return true;
  return facts.consumers(name).some((node) => {
    const cluster = islands.clusters.get(node);
    if (!cluster || facts.captures(node)) return true;
    return node.inputs.some((input, at) => input === name && !cluster.use.activations.includes(at));
  });
}

interface Around {
  readonly parameters: Parameters;
  readonly weights: Weights;
  readonly writing: Writing;
  readonly dequantized: ReadonlyMap<string, string>;
  readonly nodes: Node[];
}

function integerInputs({ node, use }: Cluster, { parameters, weights, writing, dequantized, nodes }: Around) {
  const inputs = [...node.inputs];
  for (const at of use.activations) {
    const name = node.inputs[at]!;
    const scalar = weights.scalars.get(name);
    inputs[at] = scalar
      ? writing.once(`scalar ${name}`, () => {
          const codes = writing.constant(`${name}_quantized`, scalar.codes);
          const to = writing.fresh(`${name}_dequantized`);
          const { scale, zeroPoint } = parameters.write(name, scalar.grid);
          nodes.push(makeNode("DequantizeLinear", [codes, scale, zeroPoint], [to]));
          return to;
        })
      : (dequantized.get(name) ?? name);
  }
  const made = weights.byNode.get(node);
  if (made === undefined) return inputs;
  const { weight, source } = made;
  inputs[use.weight!.input] = writing.once(made, () => {
    const stem = source;
    const to = made.named ? stem : writing.fresh(`${stem}_dequantized`);
    const codes = writing.constant(`${stem}_quantized`, weight.codes);
    const scale = writing.constant(`${stem}_scale`, weight.scales);
    const zeroPoint = writing.constant(`${stem}_zero_point`, weight.zeroPoints);
    const axis = weight.axis === undefined ? {} : { axis: weight.axis };
    nodes.push(makeNode("DequantizeLinear", [codes, scale, zeroPoint], [to], axis));
    return to;
  });
  const bias = weights.biases.get(node);
  if (bias && use.bias !== undefined) {
    const stem = bias.source;
    const to = bias.named ? stem : writing.fresh(`${stem}_dequantized`);
    const codes = writing.constant(`${stem}_quantized`, bias.codes);
    const scale = writing.constant(`${stem}_scale`, bias.scales);
    // No zero point: it would have to be 0, and some runtimes refuse to see it.
    const axis = bias.scales.dims.length === 0 ? {} : { axis: 0 };
    nodes.push(makeNode("DequantizeLinear", [codes, scale], [to], axis));
    inputs[use.bias] = to;
  }
  return inputs;
}

/** Scales and zero points as constants, one pair of them for each group. */
class Parameters {
  readonly #known = new Map<object, { readonly scale: string; readonly zeroPoint: string }>();

  constructor(
    private readonly plan: DetailedPlan,
    private readonly grids: ReadonlyMap<string, ActivationGrid>,
    private readonly writing: Writing,
  ) {}

  of(value: string) {
    const group = this.plan.groups.get(value)!;
    const known = this.#known.get(group);
    if (known) return known;
    const made = this.write(group.values[0]!, this.grids.get(value)!);
    this.#known.set(group, made);
    return made;
  }

  /** True scalars, both always: the runtime takes pairs away only where it sees both. */
  write(stem: string, grid: ActivationGrid) {
    return {
      scale: this.writing.constant(`${stem}_scale`, float32([], [grid.scale])),
      zeroPoint: this.writing.constant(`${stem}_zero_point`, zeroPointOf(grid)),
    };
  }
}

const ARRAYS = { uint8: Uint8Array, int8: Int8Array, uint16: Uint16Array, int16: Int16Array };

export const zeroPointOf = ({ dtype, zeroPoint }: ActivationGrid): Tensor & Initializer =>
  tensor(dtype, [], ARRAYS[dtype].of(zeroPoint));
