// Writes a plan as the integer operators themselves (QLinearConv, QLinearMatMul, com.microsoft:QGemm ...), for runtimes that do
// not fuse pairs. QuantizeLinear stands where integers begin, DequantizeLinear where floats go on. Relu and Clip are in the
// range of the codes. Values are called v_quantized where they are integers.

import { label, type Model, type Node } from "../../ir/model.js";
import { float32 } from "../../tensor/tensor.js";
import { MICROSOFT } from "../native/index.js";
import { makeNode } from "../rewrite.js";
import type { ActivationGrid } from "./activation-grid.js";
import type { Cluster } from "./islands.js";
import type { DetailedPlan } from "./plan.js";
import type { Weights } from "./weights-of-plan.js";
import { zeroPointOf } from "./write-qdq.js";
import { Writing } from "./writing.js";

/** Codes with their scale and zero point, by name. */
interface Codes {
  readonly codes: string;
  readonly scale: string;
  readonly zeroPoint: string;
}

export function writeQOperator(
  plan: DetailedPlan,
  grids: ReadonlyMap<string, ActivationGrid>,
  weights: Weights,
): Model {
  return new OperatorWriter(plan, grids, weights).model();
}

class OperatorWriter {
  readonly #writing: Writing;
  readonly #quantized: ReadonlySet<string>;
  readonly #values = new Map<string, Codes>();
  readonly #parameters = new Map<object, Omit<Codes, "codes">>();
  readonly #nodes: Node[] = [];
  #microsoft = false;

  constructor(
    private readonly plan: DetailedPlan,
    private readonly grids: ReadonlyMap<string, ActivationGrid>,
    private readonly weights: Weights,
  ) {
    this.#writing = new Writing(plan.facts.model);
    this.#quantized = new Set(plan.quantized);
  }

  model(): Model {
    const { facts, islands } = this.plan;
    // What stands behind a cluster is done by the range of its codes.
    const tails = new Set<Node>();
    for (const { tails: all } of islands.clusters.values()) {
      for (const { nodes, result } of all) if (this.#quantized.has(result)) for (const node of nodes) tails.add(node);
    }
    for (const { name } of facts.graph.inputs) if (this.#quantized.has(name)) this.quantize(name);
    for (const node of facts.graph.nodes) {
      if (tails.has(node)) continue;
      const cluster = islands.clusters.get(node);
      if (cluster) this.cluster(cluster);
      else {
        this.#nodes.push(node);
        for (const name of node.outputs) if (this.#quantized.has(name)) this.quantize(name);
      }
    }
    return this.#writing.done(this.#nodes, this.#microsoft ? { [MICROSOFT]: 1 } : {});
  }

  /** A float value as codes. */
  private quantize(name: string): void {
    const made = this.codesOf(name);
    this.#nodes.push(makeNode("QuantizeLinear", [name, made.scale, made.zeroPoint], [made.codes]));
  }

  private codesOf(name: string): Codes {
    const known = this.#values.get(name);
    if (known) return known;
    const group = this.plan.groups.get(name)!;
    const parameters = this.#parameters.get(group) ?? this.constants(group.values[0]!, this.grids.get(name)!);
    this.#parameters.set(group, parameters);
    const made = { codes: this.#writing.fresh(`${name}_quantized`), ...parameters };
    this.#values.set(name, made);
    return made;
  }

  private constants(stem: string, grid: ActivationGrid): Omit<Codes, "codes"> {
    return {
      scale: this.#writing.constant(`${stem}_scale`, float32([], [grid.scale])),
      zeroPoint: this.#writing.constant(`${stem}_zero_point`, zeroPointOf(grid)),
    };
  }

  private cluster(cluster: Cluster): void {
    const { node, tails } = cluster;
    const integer = tails.filter(({ result }) => this.#quantized.has(result));
    const results = integer.map(({ result }) => this.codesOf(result));
    const made = this.operator(cluster, results);
    this.#nodes.push({ ...made, name: label(node) });
    for (const { result } of integer) {
      if (!this.readAsFloat(result)) continue;
      const { codes, scale, zeroPoint } = this.codesOf(result);
      this.#nodes.push(makeNode("DequantizeLinear", [codes, scale, zeroPoint], [result]));
    }
  }

  private readAsFloat(name: string): boolean {
    const { facts, islands } = this.plan;
    if (facts.isOutput(name)) return true;
    return facts.consumers(name).some((node) => {
      const use = islands.clusters.get(node)?.use;
      return node.inputs.some((input, at) => input === name && !use?.activations.includes(at)) || facts.captures(node);
    });
  }

  private operator(cluster: Cluster, results: readonly Codes[]): Node {
    const { node, use } = cluster;
    if (use.moves) {
      const inputs = node.inputs.map((name, at) => (use.activations.includes(at) ? this.input(name).codes : name));
      const outputs = node.outputs.map((name) => (name === "" ? "" : this.codesOf(name).codes));
      return { ...node, inputs, outputs };
    }
    const [result] = results;
    const three = ({ codes, scale, zeroPoint }: Codes) => [codes, scale, zeroPoint];
    const activations = use.activations.flatMap((at) => three(this.input(node.inputs[at]!)));
    const output = result ? [result.codes] : node.outputs;
    const ofResult = result ? [result.scale, result.zeroPoint] : [];
    const named = (opType: string, inputs: readonly string[], domain = "", attributes = node.attributes): Node => {
      if (domain !== "") this.#microsoft = true;
      return { ...node, opType, domain, inputs, outputs: output, attributes };
    };
    switch (node.opType) {
      case "Conv": {
        const weight = this.weight(cluster);
        const bias = this.weights.biases.get(node);
        const codes = bias ? [this.#writing.constant(`${bias.source}_quantized`, bias.codes)] : [];
        return named("QLinearConv", [...activations, ...three(weight), ...ofResult, ...codes]);
      }
      case "Gemm": {
        const weight = this.weight(cluster);
        const bias = this.weights.biases.get(node);
        const codes = bias ? this.#writing.constant(`${bias.source}_quantized`, bias.codes) : "";
        const inputs = [...activations, ...three(weight), codes, ...ofResult];
        const attributes = new Map([...node.attributes].filter(([name]) => name !== "beta"));
        return named("QGemm", result || bias ? inputs : inputs.slice(0, 6), MICROSOFT, attributes);
      }
      case "MatMul": {
        const [a = "", aScale = "", aZero = ""] = activations;
        const [b = "", bScale = "", bZero = ""] = use.weight ? three(this.weight(cluster)) : activations.slice(3);
        if (result) return named("QLinearMatMul", [a, aScale, aZero, b, bScale, bZero, ...ofResult]);
        return named("MatMulIntegerToFloat", [a, b, aScale, bScale, aZero, bZero], MICROSOFT);
      }
      case "Concat":
        return named("QLinearConcat", [...ofResult, ...activations], MICROSOFT);
      case "Where": {
        const [x, y] = [activations.slice(0, 3), activations.slice(3)];
        return named("QLinearWhere", [node.inputs[0]!, ...x, ...y, ...ofResult], MICROSOFT);
      }
      default: {
        return named(`QLinear${node.opType}`, [...activations, ...ofResult], MICROSOFT);
      }
    }
  }

  private input(name: string): Codes {
    const scalar = this.weights.scalars.get(name);
    if (!scalar) return this.codesOf(name);
    const known = this.#values.get(name);
    if (known) return known;
    const codes = this.#writing.constant(`${name}_quantized`, scalar.codes);
    const made = { codes, ...this.constants(name, scalar.grid) };
    this.#values.set(name, made);
    return made;
  }

  private readonly weightNames = new Map<object, Codes>();

  private weight({ node }: Cluster): Codes {
    const made = this.weights.byNode.get(node)!;
    const known = this.weightNames.get(made);
    if (known) return known;
    const { source, weight } = made;
    const names = {
      codes: this.#writing.constant(`${source}_quantized`, weight.codes),
      scale: this.#writing.constant(`${source}_scale`, weight.scales),
      zeroPoint: this.#writing.constant(`${source}_zero_point`, weight.zeroPoints),
    };
    this.weightNames.set(made, names);
    return names;
  }
}
