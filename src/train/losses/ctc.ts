// Connectionist temporal classification: the probability of all ways to spell a sequence of labels in more positions, with
// blanks between and repetitions, as torch.nn.CTCLoss has it. The sum over the ways goes from position to position, in
// logarithms; six nodes a position, and their gradients.

import { z } from "zod";
import { invalid } from "../../base/errors.js";
import { tensor } from "../../tensor/tensor.js";
import type { Emitter } from "../emitter.js";
import { defineLoss, type LossSite } from "./loss.js";
import { sequenceTarget } from "./targets.js";

const options = z.object({
  length: z.int().positive().describe("The most labels that a sample has; shorter ones are padded"),
  blank: z.int().min(0).default(0).describe("The class that stands for no label"),
  ignoreIndex: z.int().negative().default(-100).describe("What labels are padded with"),
});

type Options = z.output<typeof options>;

/** The logarithm of what cannot be: finite, since differences of infinities are no numbers. */
const NEVER = -1e30;

export const ctc = defineLoss({
  name: "ctc",
  summary: "Connectionist temporal classification: labels in order, without places, in [batch, positions, classes]",
  reference: "https://www.cs.toronto.edu/~graves/icml_2006.pdf",
  options,
  reads: "logits",
  heads: ["none", "softmax", "log-softmax"],
  target({ prediction: { dims }, axis, options: { length, blank, ignoreIndex }, output }) {
    if (dims.length !== 3 || axis !== 2 || blank >= dims[2]!) {
      throw invalid("loss-output", "CTC needs classes for every position, the blank among them.", {
        node: output,
        expected: `[batch, positions, classes], more than ${blank} classes`,
        found: `[${dims}]`,
      });
    }
    return sequenceTarget(dims[0]!, length, { classes: dims[2]!, blank, ignored: ignoreIndex, positions: dims[1]! });
  },
  write(site) {
    const { emit, value } = site;
    const [batch, positions] = emit.dims(value) as [number, number];
    const { spelled, length } = spelling(site);
    const states = emit.dims(spelled)[1]!;
    const logs = emit.op("LogSoftmax", [value], { attributes: { axis: 2 } });
    const steps = emit.ops(
      "Split",
      [logarithms(emit, logs, spelled), emit.ints(Array<number>(positions).fill(1))],
      Array.from({ length: positions }, () => ({ dtype: "float32" as const, dims: [1, batch, states] })),
      { attributes: { axis: 0 } },
    );
    const skips = emit.reshape(skipping(emit, spelled, site.options.blank), [1, batch, states]);
    const first = Array.from({ length: states }, (_, state) => (state < 2 ? 0 : NEVER));
    let ways = emit.add(steps[0]!, emit.floats([1, 1, states], first));
    for (const step of steps.slice(1)) {
      const from = (back: number) => emit.pad(ways, [0, 0, back, 0, 0, -back], NEVER);
      ways = emit.add(sumOf(emit, emit.concat([ways, from(1), emit.add(from(2), skips)], 0), 0), step);
    }
    // At the end stands the last label, or a blank behind it.
    const place = emit.floats(
      [1, 1, states],
      Array.from({ length: states }, (_, state) => state),
    );
    const behind = emit.sub(emit.reshape(emit.scale(length, 2), [1, batch, 1]), place);
    const last = emit.and(emit.greater(behind, emit.number(-0.5)), emit.less(behind, emit.number(1.5)));
    const ends = emit.add(ways, emit.where(last, emit.number(0), emit.number(NEVER)));
    const total = emit.reshape(sumOf(emit, ends, 2), [batch]);
    return { sums: emit.neg(emit.div(total, emit.max(length, emit.number(1)))) };
  },
});

/** The labels with blanks before, between and behind them, int32 [batch, 2 length + 1]; how many there are, [batch]. */
function spelling({ emit, value, target, options: { length, blank, ignoreIndex } }: LossSite<Options>) {
  const batch = emit.dims(value)[0]!;
  const whole = (number: number, dims: readonly number[]) =>
    emit.store("whole", tensor("int32", dims, new Int32Array(dims.reduce((a, b) => a * b, 1)).fill(number)));
  const there = emit.not(emit.equal(target, whole(ignoreIndex, [])));
  const labels = emit.reshape(emit.where(there, target, whole(blank, [])), [batch, length, 1]);
  const paired = emit.reshape(emit.concat([whole(blank, [batch, length, 1]), labels], 2), [batch, 2 * length]);
  return {
    spelled: emit.concat([paired, whole(blank, [batch, 1])], 1),
    length: emit.reduceSum(emit.cast(there, "float32"), [1], false),
  };
}

/** The logarithms of the classes that are spelled, [positions, batch, states]: a product with ones and zeros, which has a gradient. */
function logarithms(emit: Emitter, logs: string, spelled: string): string {
  const [batch, , classes] = emit.dims(logs) as [number, number, number];
  const states = emit.dims(spelled)[1]!;
  const each = emit.store(
    "classes",
    tensor(
      "int32",
      [1, 1, classes],
      Int32Array.from({ length: classes }, (_, i) => i),
    ),
  );
  const hot = emit.cast(emit.equal(emit.reshape(spelled, [batch, states, 1]), each), "float32");
  return emit.transpose(emit.matmul(hot, emit.swap(logs)), [2, 0, 1]);
}

/** 0 where the blank before a label may be left out: between labels that differ. */
function skipping(emit: Emitter, spelled: string, blank: number): string {
  const [batch, states] = emit.dims(spelled) as [number, number];
  const none = emit.store("none", tensor("int32", [batch, 2], new Int32Array(batch * 2).fill(-1)));
  const before = emit.concat([none, emit.slice(spelled, [1], [0], [states - 2])], 1);
  const alike = emit.equal(spelled, before);
  const empty = emit.equal(spelled, emit.store("blank", tensor("int32", [], Int32Array.of(blank))));
  return emit.where(emit.or(alike, empty), emit.number(NEVER), emit.number(0));
}

function sumOf(emit: Emitter, value: string, axis: number): string {
  const dims = emit.dims(value).map((size, i) => (i === axis ? 1 : size));
  return emit.op("ReduceLogSumExp", [value, emit.ints([axis])], { dims, attributes: { keepdims: 1 } });
}
