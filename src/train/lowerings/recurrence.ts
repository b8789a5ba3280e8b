// What LSTM, GRU and RNN share: layouts, directions, initial states, sequence lengths, and the walk over the steps.
// The input's share of the gates is one product for all steps; rows stand as [steps * batch, ...], so that a step is one
// piece of a Split and the results are one Concat.

import { unsupported } from "../../base/errors.js";
import { intOf, stringOf } from "../../ir/attributes.js";
import { label, type Node } from "../../ir/model.js";
import { DTYPES, elementCount } from "../../tensor/dtype.js";
import { tensor } from "../../tensor/tensor.js";
import type { Emitter } from "../emitter.js";
import { type LoweringSite, NODE_BUDGET } from "./lowering.js";

/** One direction of a layer. All rows: [steps * batch, input size]. */
export interface Direction {
  readonly index: number;
  readonly emit: Emitter;
  readonly rows: string;
  readonly hidden: number;
  /** `input[direction]`, of which columns (of the gates) [begin, end) where given; undefined when the input is left out. */
  part(input: number, begin?: number, end?: number): string | undefined;
  /** [steps * batch, n] as one value [batch, n] a step. */
  perStep(rows: string): readonly string[];
  /** Clips what an activation reads, where the node asks for it. */
  clip(x: string): string;
}

/** The states [batch, hidden] after step `t`; the first of them is the output. */
export type Step = (t: number, states: readonly string[]) => readonly string[];

export interface Layer {
  /** Activations of one direction in the order of the attribute. */
  readonly activations: readonly string[];
  /** Inputs that hold initial states; outputs after Y in the same order. */
  readonly initial: readonly number[];
  /** About how many nodes a step takes. */
  readonly nodesPerStep: number;
  /** Writes what is common to all steps, and gives what one step writes. */
  direction(direction: Direction): Step;
}

/** Y, then the last states. */
export function unroll(site: LoweringSite, layer: Layer): (string | undefined)[] {
  const { node, emit } = site;
  checkActivations(node, layer.activations);
  const batchFirst = intOf(node, "layout", 0) === 1;
  const x = batchFirst ? emit.transpose(site.input(0), [1, 0, 2]) : site.input(0);
  const [steps, batch, width] = emit.dims(x) as [number, number, number];
  const recurrent = emit.dims(site.input(2));
  const directions = recurrent[0]!;
  const hidden = recurrent[2]!;
  checkBudget(node, steps * directions * layer.nodesPerStep);
  const rows = emit.reshape(x, [steps * batch, width]);
  const masks = stepMasks(site, steps, batch);
  const bound = node.attributes.get("clip");
  const limit = bound?.type === "float" && bound.value > 0 ? bound.value : undefined;
  const perStep = (values: string) => splitRows(emit, values, steps);

  const outputs: string[][] = [];
  const last: string[][] = [];
  for (let index = 0; index < directions; index++) {
    const step = layer.direction({
      index,
      emit,
      rows,
      hidden,
      perStep,
      part: (input, begin, end) => part(site, input, index, begin, end),
      clip: (value) =>
        limit === undefined ? value : emit.op("Clip", [value, emit.like(-limit, value), emit.like(limit, value)]),
    });
    let states: readonly string[] = layer.initial.map((input) =>
      initialState(site, input, index, batchFirst, [batch, hidden]),
    );
    const ys = new Array<string>(steps);
    for (const t of order(node, index, steps)) {
      const next = step(t, states);
      const mask = masks?.[t];
      ys[t] = mask === undefined ? next[0]! : emit.where(mask, next[0]!, emit.like(0, x));
      states = mask === undefined ? next : next.map((value, i) => emit.where(mask, value, states[i]!));
    }
    outputs.push(ys);
    last.push([...states]);
  }
  const y = site.wants(0)
    ? emit.concat(
        outputs.map((ys) => emit.reshape(emit.concat(ys, 0), [steps, 1, batch, hidden])),
        1,
      )
    : undefined;
  const states = layer.initial.map((_, i) => {
    if (!site.wants(1 + i)) return undefined;
    const all = emit.concat(
      last.map((one) => emit.reshape(one[i]!, [1, batch, hidden])),
      0,
    );
    return batchFirst ? emit.transpose(all, [1, 0, 2]) : all;
  });
  return [y !== undefined && batchFirst ? emit.transpose(y, [2, 0, 1, 3]) : y, ...states];
}

function order(node: Node, direction: number, steps: number): number[] {
  const forward = [...Array(steps).keys()];
  const backward = direction === 1 || stringOf(node, "direction", "forward") === "reverse";
  return backward ? forward.reverse() : forward;
}

/** [directions, n, ...] to [n, ...] of one direction, rows [begin, end) of it. */
function part(
  { emit, input }: LoweringSite,
  at: number,
  direction: number,
  begin = 0,
  end?: number,
): string | undefined {
  const name = input(at);
  if (name === "") return undefined;
  const dims = emit.dims(name);
  const to = end ?? dims[1]!;
  const own = emit.slice(name, [0, 1], [direction, begin], [direction + 1, to]);
  return emit.reshape(own, emit.dims(own).slice(1));
}

function initialState(
  { emit, input }: LoweringSite,
  at: number,
  direction: number,
  batchFirst: boolean,
  dims: readonly number[],
): string {
  const name = input(at);
  if (name !== "") {
    const axis = batchFirst ? 1 : 0;
    return emit.reshape(emit.slice(name, [axis], [direction], [direction + 1]), dims);
  }
  const dtype = emit.dtype(input(0));
  const zeros = tensor(dtype, dims, new Uint8Array((elementCount(dims) * DTYPES[dtype].bits) / 8));
  return emit.store("zero_state", zeros);
}

function splitRows(emit: Emitter, rows: string, steps: number): readonly string[] {
  if (steps === 1) return [rows];
  const [count, width] = emit.dims(rows) as [number, number];
  const shape = { dtype: emit.dtype(rows), dims: [count / steps, width] };
  return emit.ops("Split", [rows], Array(steps).fill(shape), { attributes: { axis: 0, num_outputs: steps } });
}

/** Per step [batch, 1]: whether the step is inside each sequence. Undefined where all sequences are whole. */
function stepMasks({ emit, input }: LoweringSite, steps: number, batch: number): readonly string[] | undefined {
  const lengths = input(4);
  if (lengths === "") return undefined;
  if (emit.constant(lengths)?.every((length) => length >= steps)) return undefined;
  const index = emit.store(
    "steps",
    tensor(
      "int32",
      [steps, 1],
      Int32Array.from({ length: steps }, (_, t) => t),
    ),
  );
  const inside = emit.less(index, emit.reshape(lengths, [1, batch]));
  return splitRows(emit, emit.reshape(inside, [steps * batch, 1]), steps);
}

function checkActivations(node: Node, expected: readonly string[]): void {
  const given = node.attributes.get("activations");
  if (given?.type !== "strings") return;
  const names = given.value.map((name) => new TextDecoder().decode(name));
  const other = names.find((name, i) => name.toLowerCase() !== expected[i % expected.length]!.toLowerCase());
  if (other === undefined) return;
  throw unsupported("lowering-activation", `${label(node)} (${node.opType}) has the activation ${other}.`, {
    node: label(node),
    expected: expected.join(", "),
    found: names.join(", "),
    hint: "Training knows the default activations only: freeze the layers before it, or export it with those.",
  });
}

function checkBudget(node: Node, count: number): void {
  if (count <= NODE_BUDGET) return;
  throw unsupported("lowering-too-large", `${label(node)} (${node.opType}) takes too many nodes when it is unrolled.`, {
    node: label(node),
    expected: `${NODE_BUDGET} nodes at most`,
    found: `about ${count} nodes`,
    hint: "Train on shorter sequences.",
  });
}
