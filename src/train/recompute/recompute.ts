// Training in less memory: of the forward pass only what crosses between segments is kept, and the rest of a segment is
// computed again when the backward pass comes to it (Chen et al. 2016, https://arxiv.org/abs/1604.06174).
//
// ONNX Runtime would join equal nodes again, and runs a node as soon as it likes. So the copies read the kept values through a
// Reshape whose target is [0, 0 ...] ("as it is"), but comes from a Where on the gradients of the segment behind. Its two
// branches are the same constant, so no bit changes; the Reshape shares its input's memory; and nothing can be taken out or
// run before those gradients are there, which also frees the segment behind before this one is computed again.

import { internal } from "../../base/errors.js";
import { info, type Note } from "../../base/note.js";
import { makeNode } from "../../ir/build.js";
import { label, type Node } from "../../ir/model.js";
import { byteCount } from "../../tensor/dtype.js";
import { int64 } from "../../tensor/tensor.js";
import type { Emitter } from "../emitter.js";
import { cutSegments, type Place } from "./segments.js";

export interface RecomputeInput {
  /** All nodes of a step, in execution order: forward pass, then backward pass and update. */
  readonly nodes: readonly Node[];
  /** The values that were differentiated: the loss, or what losses read. Nodes up to the last of them are the forward pass. */
  readonly differentiated: readonly string[];
  /** Inputs that change from step to step: batch, labels, masks. What is computed from weights alone is kept. */
  readonly data: readonly string[];
  /** Values that are there at the end anyway: results of the graph. */
  readonly outputs: readonly string[];
  /** Knows the shapes of all values. New constants and names are made by it; its list of nodes is left as it is. */
  readonly emit: Emitter;
}

export interface RecomputeOptions {
  /** Number of segments; default: what needs the least memory. */
  readonly segments?: number | undefined;
  /** Which nodes may be run again, by label; default all. */
  readonly recomputes?: ((label: string) => boolean) | undefined;
}

export interface Recomputed {
  readonly nodes: readonly Node[];
  readonly notes: readonly Note[];
}

/** The same step, bit for bit, with forward nodes run again in the backward pass. */
export function recompute(input: RecomputeInput, options: RecomputeOptions = {}): Recomputed {
  const { nodes, differentiated } = input;
  const split = nodes.findLastIndex(({ outputs }) => outputs.some((name) => differentiated.includes(name))) + 1;
  if (split === 0) throw internal(`no node makes ${differentiated.join()}`);
  const pass = new Pass(input, nodes.slice(0, split), nodes.slice(split));
  const places = pass.places(options.recomputes ?? (() => true));
  const { starts, kept, largest } = cutSegments(places, options.segments);
  const total = places.reduce(
    (sum, { values }) => values.reduce((all, one) => all + (one.stored ? one.bytes : 0), sum),
    0,
  );
  // From the loss backward, as the backward pass meets them; the last segment is still there then.
  starts.toReversed().forEach((start, at, list) => {
    pass.again(start, list[at - 1] ?? places.length, at === 0);
  });
  pass.settle(pass.backward.length);
  const again = pass.copies;
  return {
    nodes: [...nodes.slice(0, split), ...pass.backward],
    notes: [
      info(
        "recompute",
        `The forward pass is kept in ${starts.length} segments: ${megabytes(kept)} between them and at most ` +
          `${megabytes(largest)} of one, where ${megabytes(total)} would be kept at once; ${again} nodes run twice.`,
      ),
    ],
  };

  function megabytes(bytes: number): string {
    return `${(bytes / 2 ** 20).toFixed(1)} MB`;
  }
}

/**
 * The same memory in other dimensions. It never reads what waits: ONNX Runtime joins two Reshapes that follow each other, and
 * fails at a target that is computed.
 */
const isView = ({ opType, domain }: Node) =>
  domain === "" && ["Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity"].includes(opType);

class Pass {
  backward: Node[];
  copies = 0;
  readonly #emit: Emitter;
  /** Forward nodes that the batch has a part in, in order. */
  readonly #body: Node[] = [];
  readonly #dynamic: Set<string>;
  readonly #last = new Map<string, number>();
  /** Values that are there all the time, whoever reads them. */
  readonly #held: ReadonlySet<string>;
  #mayRepeat: (label: string) => boolean = () => true;
  /** Where the backward pass of the segment handled last begins, and how it reads what is kept. */
  #behind = 0;
  #read: ((name: string) => string) | undefined;

  constructor(input: RecomputeInput, forward: readonly Node[], backward: readonly Node[]) {
    this.#emit = input.emit;
    this.backward = [...backward];
    this.#dynamic = new Set(input.data);
    this.#held = new Set([...input.outputs, ...input.differentiated]);
    for (const node of forward) {
      if (!node.inputs.some((name) => this.#dynamic.has(name))) continue;
      for (const name of node.inputs) this.#last.set(name, this.#body.length);
      this.#body.push(node);
      for (const name of node.outputs) if (name !== "") this.#dynamic.add(name);
    }
  }

  places(mayRepeat: (label: string) => boolean): Place[] {
    this.#mayRepeat = mayRepeat;
    const read = new Set(this.backward.flatMap(({ inputs }) => inputs));
    return this.#body.map((node, place) => ({
      values: node.outputs
        .filter((name) => name !== "" && !this.#held.has(name) && mayRepeat(label(node)))
        .map((name) => {
          const { dtype, dims } = this.#emit.shape(name);
          return { bytes: byteCount(dtype, dims), last: this.#last.get(name) ?? place, stored: read.has(name) };
        }),
    }));
  }

  /**
   * The values of the body's nodes from `start` to `end - 1` that the backward pass reads are computed again for it, unless
   * they are `kept`. From there on it reads whatever comes from the forward pass only once the gradients so far are there:
   * else the runtime lays out the windows of a weight gradient long before it is their turn.
   */
  again(start: number, end: number, kept: boolean): void {
    const wanted = kept ? new Set<string>() : this.#wanted(start, end);
    const asked = kept ? this.#madeBy(start, end) : wanted;
    const firstRead = () => this.backward.findIndex(({ inputs }) => inputs.some((name) => asked.has(name)));
    if (firstRead() < 0) return;
    this.settle(firstRead());
    const first = firstRead();
    const signals = this.#signals(Math.min(this.#behind, first), first);
    if (signals.length === 0) return;
    const emit = this.#emit;
    const written = emit.nodes.length;
    const names = new Map<string, string>();
    const made = new Set<string>();
    const nodes = this.#needed(start, end, wanted).filter((node) => {
      // A view of what is kept takes no memory, and stays.
      if (isView(node) && !made.has(node.inputs[0]!)) return false;
      for (const name of node.outputs) made.add(name);
      return true;
    });
    const gate = this.#gate(signals);
    const read = (name: string): string => {
      const known = names.get(name);
      if (known !== undefined || made.has(name) || !this.#dynamic.has(name)) return known ?? name;
      const waiting = this.#waiting(gate, name);
      names.set(name, waiting);
      return waiting;
    };
    const copied = nodes.map((node) => {
      const inputs = node.inputs.map(read);
      const outputs = node.outputs.map((name) => (name === "" ? "" : this.#copyOf(name)));
      node.outputs.forEach((name, index) => {
        if (name !== "") names.set(name, outputs[index]!);
      });
      return { ...node, name: node.name === "" ? "" : `${node.name}_again`, inputs, outputs };
    });
    this.copies += nodes.length;
    const renamed = this.backward.slice(first).map((node) => {
      if (!node.inputs.some((name) => wanted.has(name))) return node;
      return { ...node, inputs: node.inputs.map((name) => (wanted.has(name) ? (names.get(name) ?? name) : name)) };
    });
    const waiting = emit.nodes.splice(written);
    this.backward = [...this.backward.slice(0, first), ...waiting, ...copied, ...renamed];
    this.#behind = first + waiting.length + copied.length;
    this.#read = read;
  }

  /** Backward nodes of the segment handled last, up to `end`, read the forward pass as its copies do. */
  settle(end: number): void {
    const read = this.#read;
    if (read === undefined) return;
    const written = this.#emit.nodes.length;
    const range = this.backward.slice(this.#behind, end).map((node) => {
      if (!isView(node) || !this.#dynamic.has(node.inputs[0]!)) return { ...node, inputs: node.inputs.map(read) };
      for (const name of node.outputs) this.#dynamic.add(name);
      return node;
    });
    const waiting = this.#emit.nodes.splice(written);
    this.backward = [...this.backward.slice(0, this.#behind), ...waiting, ...range, ...this.backward.slice(end)];
  }

  #madeBy = (start: number, end: number) =>
    new Set(this.#body.slice(start, end).flatMap(({ outputs }) => outputs.filter((name) => !this.#held.has(name))));

  /** Values of a segment that nothing but the backward pass reads after it. */
  #wanted(start: number, end: number): Set<string> {
    const read = new Set(this.backward.flatMap(({ inputs }) => inputs));
    return new Set(
      this.#body
        .slice(start, end)
        .flatMap((node) =>
          this.#mayRepeat(label(node))
            ? node.outputs.filter(
                (name) => name !== "" && read.has(name) && !this.#held.has(name) && (this.#last.get(name) ?? 0) < end,
              )
            : [],
        ),
    );
  }

  /** The segment's nodes that lead to those values, in order. What is kept anyway is not computed again. */
  #needed(start: number, end: number, wanted: ReadonlySet<string>): Node[] {
    const asked = new Set(wanted);
    const kept = (node: Node, name: string) =>
      this.#held.has(name) || (this.#last.get(name) ?? 0) >= end || !this.#mayRepeat(label(node));
    const nodes: Node[] = [];
    for (const node of this.#body.slice(start, end).toReversed()) {
      if (!node.outputs.some((name) => asked.has(name) && (wanted.has(name) || !kept(node, name)))) continue;
      nodes.unshift(node);
      for (const name of node.inputs) asked.add(name);
    }
    return nodes;
  }

  /** Floats that the backward nodes from `from` to `to - 1` make and do not use up among themselves. */
  #signals(from: number, to: number): string[] {
    const range = this.backward.slice(from, to);
    const used = new Set(range.flatMap(({ inputs }) => inputs));
    return range
      .flatMap(({ outputs }) => outputs)
      .filter((name) => name !== "" && !used.has(name) && this.#emit.dtype(name) === "float32");
  }

  /** bool [1], which can only be computed when all of `signals` are there. */
  #gate(signals: readonly string[]): string {
    const emit = this.#emit;
    const firsts = signals.map((name) => {
      const rank = emit.rank(name);
      if (rank === 0) return emit.reshape(name, [1]);
      const corner = this.#constant(`pare.corner_${rank}`, [1, rank]);
      return emit.op("GatherND", [name, corner], { dims: [1] });
    });
    return emit.greater(emit.reduceMax(emit.concat(firsts, 0), [0]), emit.number(0));
  }

  /** The same value, in the same memory, once the gate is there. */
  #waiting(gate: string, name: string): string {
    const emit = this.#emit;
    const { dtype, dims } = emit.shape(name);
    if (dims.length === 0) return name;
    const same = this.#constant(`pare.same_${dims.length}`, [dims.length]);
    const target = emit.op("Where", [gate, same, same], { dtype: "int64", dims: [dims.length] });
    const waiting = emit.declare(emit.unique(`${name}_kept`), { dtype, dims });
    emit.nodes.push(makeNode("Reshape", [name, target], [waiting]));
    return waiting;
  }

  #copyOf(name: string): string {
    return this.#emit.declare(this.#emit.unique(`${name}_again`), this.#emit.shape(name));
  }

  /** Zeros, int64. */
  #constant(name: string, dims: readonly number[]): string {
    if (this.#emit.has(name)) return name;
    const count = dims.reduce((all, size) => all * size, 1);
    this.#emit.initializers.set(name, int64(dims, new Array<number>(count).fill(0)));
    return this.#emit.declare(name, { dtype: "int64", dims });
  }
}
