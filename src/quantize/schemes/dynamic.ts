// Dynamic int8: weights int8 in the file, activations uint8 at each run, integer products. Nothing is calibrated.

import { info, type Note, warning } from "../../base/note.js";
import { type Graph, label, type Node } from "../../ir/model.js";
import { type Scope, scopeOf, subgraphs, topScope } from "../../ir/traverse.js";
import { int64 } from "../../tensor/tensor.js";
import { functionBody } from "../../weights/function-bodies.js";
import { type Consumer, collectWeights, matrixUses, type Weight } from "../../weights/weights.js";
import { filled } from "../computation.js";
import { Activations, dynamicConv, dynamicLstm, dynamicProduct, type RecurrentMatrix } from "../dynamic.js";
import { isConv, isLstm, type Part, type Plan, planOf } from "../dynamic-plan.js";
import { extract } from "../extract/extract.js";
import { packLinear } from "../extract/linear.js";
import { formats } from "../formats/index.js";
import { COPIES, checkHeap } from "../heap.js";
import { linearLayout, productAlong } from "../layout.js";
import { MICROSOFT } from "../native/index.js";
import type { Settings } from "../options.js";
import { prepare, raiseOpset } from "../prepare.js";
import { Edits, makeNode } from "../rewrite.js";
import { keptNotes, nothingDone, selection } from "../select.js";
import { COMMON, defineScheme, LATER, type Place } from "./scheme.js";

export const dynamic = defineScheme({
  name: "dynamic",
  summary: "8-bit weights, activations quantized at each run, integer products for MatMul, Gemm, Conv and LSTM",
  reference: "https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html",
  operators: ["MatMul", "Gemm", "Conv", "LSTM"],
  reads: { ...COMMON, granularity: true, reduceRange: true },
  serves: ({ format, activations }) => format.kind === "integer" && activations === "dynamic",
  foresee(model, settings, target) {
    const plan = planOf(collectWeights(model), selection(model, settings));
    const rewriting = rewritten(new Edits(model), settings, { target, ...LATER }, plan);
    return {
      made: rewriting.multiplied.map((node) => [node, "int8-dynamic"] as const),
      kept: plan.kept.flatMap(({ weight, reason }) => matrixUses(weight).map(({ node }) => [node, reason] as const)),
    };
  },
  async apply(given, settings, context) {
    // DynamicQuantizeLinear came with opset 11.
    const { model, notes: raised } = raiseOpset(await prepare(given), 11);
    const edits = new Edits(model);
    const plan = planOf(collectWeights(model), selection(model, settings));
    const rewriting = rewritten(edits, settings, context, plan);
    const kept = keptNotes(plan.kept);
    if (edits.empty) return { model: given, notes: [...kept, nothingDone("dynamic quantization", given)] };
    checkHeap(context.target, rewriting.decoded, COPIES.cast * rewriting.largest);
    const domains = rewriting.usesMicrosoft ? { [MICROSOFT]: 1 } : {};
    return { model: edits.apply(domains), notes: [...raised, ...rewriting.notes(), ...kept] };
  },
});

function rewritten(edits: Edits, settings: Settings, context: Place, plan: Plan): Rewriting {
  const rewriting = new Rewriting(edits, settings, context, plan);
  for (const [weight, part] of plan.parts) rewriting.store(weight, part);
  rewriting.graph(edits.model.graph, topScope);
  for (const definition of edits.model.functions) rewriting.graph(functionBody(definition), topScope);
  return rewriting;
}

/** What a stored weight is called, for the nodes that multiply with its codes. */
interface Stored {
  readonly codes: string;
  readonly scale: string;
  readonly zeroPoint: string;
  readonly dims: readonly number[];
  /** The axis that has scales of its own. */
  readonly axis: number | undefined;
}

class Rewriting {
  decoded = 0;
  largest = 0;
  usesMicrosoft = false;
  readonly multiplied: Node[] = [];
  readonly #stored = new Map<Weight, Stored>();
  readonly #activations: Activations;
  readonly #notes: Note[] = [];
  readonly #reduced: boolean;

  constructor(
    private readonly edits: Edits,
    private readonly settings: Settings,
    private readonly context: Place,
    private readonly plan: Plan,
  ) {
    this.#activations = new Activations(edits);
    // uint8 weights are summed in 32 bits everywhere.
    this.#reduced = settings.format.low < 0 && (settings.reduceRange ?? context.target.saturates);
  }

  /** Puts the codes of a weight in the place of its floats. */
  store(weight: Weight, part: Part): void {
    const { edits, context } = this;
    const { dims } = weight.tensor;
    const { name: wanted } = this.settings.format;
    const name = part === "conv" ? "uint8" : wanted;
    const general = linearLayout(weight, { ...this.settings, format: formats.get(name), symmetric: true });
    const layout = { ...general, axis: scaledAxis(weight, part, general.axis) };
    const reduced = this.#reduced && name === "int8" && part !== "stored" ? { low: -64, high: 64 } : {};
    const packed = packLinear(edits, context, weight, { ...layout, ...reduced }, scaleDims(part, dims, layout.axis));
    const others = weight.consumers.filter((consumer) => !this.multiplies(consumer, part, dims, layout.axis));
    if (others.length > 0 || part === "stored") {
      extract(edits, weight, packed);
      this.decoded += weight.elements * 4;
      this.largest = Math.max(this.largest, weight.elements * 4);
      const why =
        part === "stored" ? "" : ` for ${others.map(({ node }) => (node ? label(node) : "an output")).join(", ")}`;
      const text = `"${weight.name}" is stored as ${name} and decoded once, when the model loads${why}.`;
      this.#notes.push(info("quantized-extract", text, weight.name));
    } else {
      // An LSTM has zero points for each direction, made where it is written.
      const parts = packed.parts.filter(([name]) => part !== "lstm" || name !== packed.names.zeroPoint);
      edits.replaceConstant(weight.graph, weight.name, parts);
    }
    const names = packed.names;
    this.#stored.set(weight, { ...names, zeroPoint: names.zeroPoint ?? "", dims, axis: layout.axis });
    for (const passed of new Set(weight.consumers.flatMap(({ path }) => path))) {
      if (others.every(({ path }) => !path.includes(passed))) edits.replaceNode(passed, []);
    }
  }

  private multiplies(consumer: Consumer, part: Part, dims: readonly number[], axis: number | undefined): boolean {
    if (part === "product") return integerProduct(consumer, dims, axis) !== undefined;
    if (part === "conv") return isConv(consumer);
    return part === "lstm" && isLstm(consumer) && this.lstmWeights(consumer.node!) !== undefined;
  }

  /** Replaces the nodes of a graph, in order: an activation is quantized before the first that uses it. */
  graph(graph: Graph, outer: Scope): void {
    const scope = scopeOf(graph, outer);
    for (const node of graph.nodes) {
      const nodes = this.nodesFor(graph, node, scope);
      if (nodes) {
        this.edits.replaceNode(node, nodes);
        this.multiplied.push(node);
        this.#notes.push(
          info("quantized-dynamic", `${label(node)} (${node.opType}) multiplies 8-bit integers.`, label(node)),
        );
      }
      for (const inner of subgraphs(node)) this.graph(inner, scope);
    }
  }

  private nodesFor(graph: Graph, node: Node, scope: Scope): readonly Node[] | undefined {
    const weight = this.plan.byConsumer.get(node)?.get(1);
    const part = weight && this.plan.parts.get(weight);
    const stored = weight && this.#stored.get(weight);
    if (weight === undefined || stored === undefined) return undefined;
    const place = { edits: this.edits, activations: this.#activations, graph, node };
    if (part === "product") {
      const consumer = weight.consumers.find((candidate) => candidate.node === node && candidate.input === 1);
      const along = consumer && integerProduct(consumer, stored.dims, stored.axis);
      if (along === undefined) return undefined;
      const codes = along === "rows" ? stored.codes : this.transposed(weight, stored.codes, [1, 0]);
      return dynamicProduct(place, codes, stored.scale, stored.zeroPoint);
    }
    if (part === "conv") {
      const bias = this.bias(place, stored, scope);
      const nodes = dynamicConv(place, stored.codes, stored.zeroPoint, stored.scale, bias?.name);
      return bias ? [...bias.nodes, ...nodes] : nodes;
    }
    const matrices = part === "lstm" ? this.lstmWeights(node) : undefined;
    if (matrices === undefined) return undefined;
    this.usesMicrosoft = true;
    const [w, r] = matrices.map((matrix) => this.recurrent(matrix)) as [RecurrentMatrix, RecurrentMatrix];
    return dynamicLstm(node, stored.dims[1]! / 4, w, r);
  }

  /** Both matrices of an LSTM, where both can be quantized for it. */
  private lstmWeights(node: Node): readonly Weight[] | undefined {
    const inputs = this.plan.byConsumer.get(node);
    const pair = [inputs?.get(1), inputs?.get(2)];
    const ready = pair.filter((weight) => weight !== undefined && this.plan.parts.get(weight) === "lstm");
    return ready.length === 2 ? (ready as Weight[]) : undefined;
  }

  private recurrent(weight: Weight): RecurrentMatrix {
    const stored = this.#stored.get(weight)!;
    const zeroPoint = this.once(weight, "zero_point", (name) => {
      const dims = this.settings.granularity === "tensor" ? [stored.dims[0]!] : stored.dims.slice(0, 2);
      const count = dims.reduce((all, dim) => all * dim, 1);
      const dtype = stored.zeroPoint === "" ? "int8" : "uint8";
      this.edits.addConstant(weight.graph, name, { dtype, dims, data: filled(count, dtype === "int8" ? 0 : 128) });
    });
    return { codes: this.transposed(weight, stored.codes, [0, 2, 1]), scale: stored.scale, zeroPoint };
  }

  /** The codes with their axes exchanged: one Transpose of a constant a weight, folded by the runtime. */
  private transposed(weight: Weight, codes: string, perm: readonly number[]): string {
    return this.once(weight, "quantized_transposed", (name) => {
      this.edits.prepend(weight.graph, [makeNode("Transpose", [codes], [name], { perm })]);
    });
  }

  readonly #made = new Map<Weight, Map<string, string>>();
  private once(weight: Weight, suffix: string, make: (name: string) => void): string {
    const names = this.#made.get(weight) ?? new Map<string, string>();
    this.#made.set(weight, names);
    const known = names.get(suffix);
    if (known !== undefined) return known;
    const name = this.edits.fresh(`${weight.name}_${suffix}`);
    names.set(suffix, name);
    make(name);
    return name;
  }

  /** The bias of a Conv [O], given trailing axes so that it adds to [batch, O, ...]. */
  private bias({ graph, node }: { graph: Graph; node: Node }, stored: Stored, scope: Scope) {
    const name = node.inputs[2] ?? "";
    if (name === "") return undefined;
    const shaped = this.edits.fresh(`${name}_channels`);
    const ones = Array<number>(stored.dims.length - 2).fill(1);
    const constant = scope.constant(name);
    if (constant && constant.sparse === undefined && constant.dims.length === 1) {
      this.edits.addConstant(graph, shaped, { ...constant, dims: [constant.dims[0]!, ...ones] });
      return { name: shaped, nodes: [] };
    }
    const shape = this.edits.fresh(`${shaped}_shape`);
    this.edits.addConstant(graph, shape, int64([ones.length + 1], [-1, ...ones]));
    return { name: shaped, nodes: [makeNode("Reshape", [name, shape], [shaped])] };
  }

  notes(): readonly Note[] {
    const notes = [...this.#notes];
    const { target } = this.context;
    if (!target.fast.dynamicInt8) {
      notes.push(
        warning("slow-form", `Target ${target.name} has no integer products: these layers will run on the CPU there.`),
      );
    } else if (!target.fast.dynamicInt8Conv && this.multiplied.some(({ opType }) => opType === "Conv")) {
      const convs = this.multiplied.filter(({ opType }) => opType === "Conv").length;
      const text = `${convs} Conv may be slower than float on target ${target.name}: ${target.why.dynamicInt8Conv}. Leave them float with keep: ["Conv"] (--keep Conv); pare measure times both.`;
      notes.push(warning("slow-form", text));
    }
    if (this.#reduced && [...this.plan.parts.values()].some((part) => part === "product" || part === "lstm")) {
      const text =
        "Weights of MatMul, Gemm and LSTM use 7 of 8 bits: x64 processors without VNNI add pairs of products in 16 bits and saturate. Use reduceRange: false where the processor is known.";
      notes.push(info("reduced-range", text));
    }
    return notes;
  }
}

/**
 * The axis that has scales of its own. Products need it to be the channels of their result, whatever else reads the
 * weight before; an LSTM has one for each direction at least.
 */
function scaledAxis(weight: Weight, part: Part, axis: number | undefined): number | undefined {
  if (part === "lstm") return axis ?? 0;
  if (part !== "product" || axis === undefined) return axis;
  const { dims } = weight.tensor;
  const along = weight.consumers.map((consumer) => productAlong(consumer, dims)).find((way) => way !== undefined);
  return along === "rows" ? 1 : 0;
}

/** As `productAlong`, where the scales can be taken out of the sum: a tied weight is also read the other way round. */
function integerProduct(consumer: Consumer, dims: readonly number[], axis: number | undefined) {
  const along = productAlong(consumer, dims);
  return axis === undefined || axis === (along === "rows" ? 1 : 0) ? along : undefined;
}

/** How scales are written: [N] for products, [O, 1, ...] to scale a Conv's output, [directions, gates] for an LSTM. */
function scaleDims(part: Part, dims: readonly number[], axis: number | undefined): readonly number[] | undefined {
  if (axis === undefined) return undefined;
  if (part === "product") return [dims[axis]!];
  if (part === "conv") return [dims[axis]!, ...Array<number>(dims.length - 2).fill(1)];
  return part === "lstm" ? dims.slice(0, axis + 1) : undefined;
}
