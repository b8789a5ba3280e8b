// ONNX Runtime's own layout for convolutions on CPUs: channels in blocks of 8 (AVX2) or 16 (AVX-512), innermost. It takes to it by
// itself only where weights are constant, which in training they are not. Here the convolutions of a step are written in it, their
// weights blocked in the graph, and what is elementwise between them stays in it. A wrong block is wrong in silence:
// `probeBlock` finds out which one this machine has. Never part of a saved file.

import { intOf, intsOf } from "../ir/attributes.js";
import { makeNode } from "../ir/build.js";
import type { Node } from "../ir/model.js";
import { elementCount } from "../tensor/dtype.js";
import { type Emitter, same } from "./emitter.js";

/** The domain of the operators that know the layout, at version 1. */
export const BLOCKED_DOMAIN = "com.microsoft.nchwc";

export interface BlockedInput {
  /** Nodes of a step, in execution order. */
  readonly nodes: readonly Node[];
  /** Knows all shapes. New constants and names are made by it; its list of nodes is left as it is. */
  readonly emit: Emitter;
  /** Channels in a block, as `probeBlock` found it. */
  readonly block: number;
  /** What must be there in the plain layout at the end: results of the graph. */
  readonly outputs: readonly string[];
  /** Whether a value is constant: convolutions with constant weights are left to the runtime. */
  isConstant(name: string): boolean;
}

/** The same step with its convolutions in blocks: equal up to the order of sums. Some nodes may be left without a reader. */
export function blocked(input: BlockedInput): Node[] {
  const layout = new Layout(input);
  for (const node of input.nodes) layout.write(node);
  for (const name of input.outputs) layout.plain(name);
  return layout.done;
}

/** Elementwise operators: what they make of a tensor does not depend on where its elements stand. */
const ELEMENTWISE = new Set(
  `Add Sub Mul Div Neg Abs Sqrt Exp Log Reciprocal Sigmoid Tanh Relu LeakyRelu Clip Min Max Where Sign Not And Or Greater
  GreaterOrEqual Less LessOrEqual Equal Cast HardSigmoid HardSwish Elu Softplus Erf Pow Identity`.split(/\s+/),
);

interface Padded {
  readonly from: string;
  readonly to: readonly number[];
  /** As ONNX has them for [N, C, H, W]. */
  readonly pads: readonly number[];
}

class Layout {
  readonly done: Node[] = [];
  readonly #input: BlockedInput;
  readonly #emit: Emitter;
  readonly #block: number;
  /** Values in blocks by the name of the plain value. */
  readonly #blocked = new Map<string, string>();
  /** Values that are there in blocks only, with the node that made them. */
  readonly #pending = new Map<string, Node>();
  readonly #filters = new Map<string, string>();
  readonly #makers = new Map<string, Node>();

  constructor(input: BlockedInput) {
    this.#input = input;
    this.#emit = input.emit;
    this.#block = input.block;
  }

  write(node: Node): void {
    for (const name of node.outputs) this.#makers.set(name, node);
    if (this.#convolves(node)) this.#convolve(node);
    else if (this.#staysBlocked(node)) this.#elementwise(node);
    else {
      for (const name of node.inputs) this.plain(name);
      this.done.push(node);
    }
  }

  /** Sees to it that a value stands in the plain layout, under its own name. */
  plain(name: string): void {
    const maker = this.#pending.get(name);
    if (maker === undefined) return;
    this.#pending.delete(name);
    const { dtype, dims } = this.#emit.shape(name);
    if (dtype === "float32") {
      this.#push("ReorderOutput", this.#blocked.get(name)!, name, { channels: dims[1]! });
      return;
    }
    // Only floats can be moved to the other layout: conditions are computed in both.
    for (const used of maker.inputs) this.plain(used);
    this.done.push(maker);
  }

  /** 2-D, float32, channels that fill blocks, weights that change. */
  #convolves(node: Node): boolean {
    if (node.opType !== "Conv" || node.domain !== "" || this.#input.isConstant(node.inputs[1]!)) return false;
    const x = this.#emit.shape(node.inputs[0]!);
    const [filters, width] = this.#emit.dims(node.inputs[1]!) as [number, number];
    if (x.dtype !== "float32" || x.dims.length !== 4 || filters % this.#block !== 0) return false;
    const channels = x.dims[1]!;
    const groups = intOf(node, "group", 1);
    if (groups === 1) return channels % this.#block === 0 || channels < this.#block;
    return groups === channels && groups === filters && width === 1;
  }

  #convolve(node: Node): void {
    const [x, w, bias] = node.inputs as [string, string, string?];
    const channels = this.#emit.dims(x)[1]!;
    const few = channels % this.#block !== 0;
    // With fewer channels than a block the kernel reads the plain layout.
    if (few) this.plain(x);
    const data = few ? x : this.#toBlocked(x);
    const filter = this.#filter(w, few || intOf(node, "group", 1) > 1);
    if (bias) this.plain(bias);
    const y = this.#name(node.outputs[0]!);
    this.done.push({
      ...node,
      domain: BLOCKED_DOMAIN,
      inputs: bias ? [data, filter, bias] : [data, filter],
      outputs: [y],
    });
    this.#blocked.set(node.outputs[0]!, y);
    this.#pending.set(node.outputs[0]!, node);
  }

  /** Whether an elementwise node reads tensors that are there in blocks only, as many as plain ones at least. */
  #staysBlocked(node: Node): boolean {
    if (!ELEMENTWISE.has(node.opType) || node.domain !== "" || node.outputs.length !== 1) return false;
    const dims = this.#emit.dims(node.outputs[0]!);
    if (dims.length !== 4 || dims[1]! % this.#block !== 0) return false;
    let balance = 0;
    let any = false;
    for (const name of node.inputs) {
      if (name === "") continue;
      const own = this.#emit.shape(name);
      if (elementCount(own.dims) === 1) continue;
      if (!same(own.dims, dims)) return false;
      if (this.#pending.has(name)) {
        any = true;
        balance++;
      } else if (!this.#blocked.has(name)) {
        if (own.dtype !== "float32") return false;
        balance--;
      }
    }
    return any && balance >= 0;
  }

  #elementwise(node: Node): void {
    const inputs = node.inputs.map((name) =>
      name === "" || elementCount(this.#emit.dims(name)) === 1 ? name : this.#toBlocked(name),
    );
    const output = node.outputs[0]!;
    const y = this.#name(output);
    this.done.push({ ...node, inputs, outputs: [y] });
    this.#blocked.set(output, y);
    this.#pending.set(output, node);
  }

  #toBlocked(name: string): string {
    const known = this.#blocked.get(name);
    if (known !== undefined) return known;
    const merged = this.#merged(name);
    const padded = this.#padded(name);
    let result: string;
    if (merged !== undefined) {
      const source = this.#toBlocked(merged);
      result = this.#written((emit) => emit.reshape(source, emit.dims(name)));
    } else if (padded !== undefined) {
      const source = this.#toBlocked(padded.from);
      result = this.#written((emit) => this.#pad(emit, source, padded));
    } else {
      this.plain(name);
      result = this.#name(name);
      this.#push("ReorderInput", name, result);
    }
    this.#blocked.set(name, result);
    return result;
  }

  /** What a value is made from by zeros around its height and width: in blocks that takes a quarter of the time. */
  #padded(name: string): Padded | undefined {
    const maker = this.#makers.get(name);
    if (maker?.opType !== "Pad" || maker.attributes.size > 0 || (maker.inputs[3] ?? "") !== "") return undefined;
    const pads = this.#emit.constant(maker.inputs[1]!);
    const value = maker.inputs[2] ? this.#emit.constant(maker.inputs[2])?.[0] : 0;
    if (pads?.length !== 8 || value !== 0 || [0, 1, 4, 5].some((at) => pads[at] !== 0)) return undefined;
    const from = maker.inputs[0]!;
    return { from, to: this.#emit.dims(name), pads };
  }

  #pad(emit: Emitter, source: string, { from, to, pads }: Padded): string {
    const b = this.#block;
    const [n, c, height, width] = emit.dims(from) as [number, number, number, number];
    const split = emit.reshape(source, [n, c / b, height, width, b]);
    const wide = emit.pad(split, [0, 0, pads[2]!, pads[3]!, 0, 0, 0, pads[6]!, pads[7]!, 0]);
    return emit.reshape(wide, to);
  }

  /** What a value is reshaped from, where only samples became channels, [N, C, H, W] -> [1, N C, H, W]: in blocks nothing moves. */
  #merged(name: string): string | undefined {
    const maker = this.#makers.get(name);
    if (maker?.opType !== "Reshape") return undefined;
    const [from, to] = [this.#emit.dims(maker.inputs[0]!), this.#emit.dims(name)];
    const fits =
      from.length === 4 && to.length === 4 && from[1]! % this.#block === 0 && same(from.slice(2), to.slice(2));
    return fits && from[0]! * from[1]! === to[0]! * to[1]! ? maker.inputs[0]! : undefined;
  }

  /** w [M, C, h, w] as [M/b, C/b, h, w, c, m], or, `whole`, as [M/b, C, h, w, m], under the dimensions of w. */
  #filter(w: string, whole: boolean): string {
    const key = `${w}:${whole}`;
    const known = this.#filters.get(key);
    if (known !== undefined) return known;
    const b = this.#block;
    const [m, c, height, width] = this.#emit.dims(w) as [number, number, number, number];
    // A depthwise filter that is a value with samples as filters (a weight gradient's) stands right in blocks.
    const planes = whole && c === 1 ? this.#merged(w) : undefined;
    if (planes !== undefined) {
      const data = this.#toBlocked(planes);
      const result = this.#written((emit) => emit.reshape(data, [m, c, height, width]));
      this.#filters.set(key, result);
      return result;
    }
    const source = this.#exchanged(w, whole);
    if (source === undefined) this.plain(w);
    const written = this.#written((emit) => {
      if (source !== undefined) {
        // [C/b, c, M/b, h, w, m]: blocks of m stay together.
        const split = emit.reshape(source, [c / b, b, m / b, height, width, b]);
        return emit.reshape(emit.transpose(split, [2, 0, 3, 4, 1, 5]), [m, c, height, width]);
      }
      const split = whole
        ? emit.transpose(emit.reshape(w, [m / b, b, c, height, width]), [0, 2, 3, 4, 1])
        : emit.transpose(emit.reshape(w, [m / b, b, c / b, b, height, width]), [0, 2, 4, 5, 3, 1]);
      return emit.reshape(split, [m, c, height, width]);
    });
    this.#filters.set(key, written);
    return written;
  }

  /** A filter that is another value with batch and channels exchanged (a weight gradient's): that value in blocks. */
  #exchanged(w: string, whole: boolean): string | undefined {
    const maker = this.#makers.get(w);
    if (whole || maker?.opType !== "Transpose" || intsOf(maker, "perm")?.join() !== "1,0,2,3") return undefined;
    const from = maker.inputs[0]!;
    return this.#emit.dims(from)[0]! % this.#block === 0 ? this.#toBlocked(from) : undefined;
  }

  /** Takes what a function writes through the emitter over into the list here. */
  #written(write: (emit: Emitter) => string): string {
    const from = this.#emit.nodes.length;
    const result = write(this.#emit);
    this.done.push(...this.#emit.nodes.splice(from));
    return result;
  }

  #name(value: string): string {
    const name = this.#emit.unique(`${value}_blocked`);
    return this.#emit.declare(name, this.#emit.shape(value));
  }

  #push(opType: string, input: string, output: string, attributes: Readonly<Record<string, number>> = {}): void {
    this.done.push(makeNode(opType, [input], [output], { domain: BLOCKED_DOMAIN, attributes }));
  }
}
