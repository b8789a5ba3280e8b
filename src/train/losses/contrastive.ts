// InfoNCE: the embeddings of what belongs together are drawn together, those of all else in the batch pushed apart.

import { z } from "zod";
import { invalid } from "../../base/errors.js";
import { tensor } from "../../tensor/tensor.js";
import type { Emitter } from "../emitter.js";
import { defineLoss, type LossTerms } from "./loss.js";
import { classTarget } from "./targets.js";

export const contrastive = defineLoss({
  name: "contrastive",
  summary: "InfoNCE: of samples of one class, or (CLIP) of each row of this output and the same row of another",
  reference: "https://arxiv.org/abs/1807.03748, https://arxiv.org/abs/2004.11362, https://arxiv.org/abs/2103.00020",
  options: z.object({
    temperature: z.number().positive().default(0.07).describe("What cosines are divided by"),
    other: z
      .string()
      .optional()
      .describe("The output whose rows belong to the rows of this one; default: labels say which samples do"),
  }),
  reads: "output",
  heads: ["none", "softmax", "log-softmax", "sigmoid"],
  others: ({ other }) => (other === undefined ? [] : [other]),
  target({ prediction: { dims }, options, output }) {
    if (dims.length !== 2 || dims[0]! < 2) {
      throw invalid("loss-output", "A contrastive loss needs one vector for each of at least two samples.", {
        node: output,
        expected: "[batch, size], batch at least 2",
        found: `[${dims}]`,
      });
    }
    return options.other === undefined ? classTarget([dims[0]!], undefined) : undefined;
  },
  write({ emit, value, target, others, options: { temperature } }) {
    const [other] = others;
    const rows = unit(emit, value);
    const columns = other === undefined ? rows : unit(emit, other);
    const near = emit.scale(emit.matmul(rows, emit.swap(columns)), 1 / temperature);
    return other === undefined ? ofClasses(emit, near, target!) : ofPairs(emit, near);
  },
});

const unit = (emit: Emitter, value: string) =>
  emit.div(value, emit.sqrt(emit.shift(emit.reduceSquares(value, [1]), 1e-12)));

/** Both ways: which column belongs to a row, and which row to a column; the mean of the two. */
function ofPairs(emit: Emitter, near: string): LossTerms {
  const size = emit.dims(near)[0]!;
  const logs = [1, 0].map((axis) => emit.op("LogSoftmax", [near], { attributes: { axis } }));
  const same = emit.mul(emit.add(logs[0]!, logs[1]!), diagonal(emit, size, -0.5));
  return { sums: emit.reduceSum(same, [1], false) };
}

/** The mean over all other samples of the class; samples that are alone in theirs do not count. */
function ofClasses(emit: Emitter, near: string, target: string): LossTerms {
  const size = emit.dims(near)[0]!;
  // A sample is not compared with itself: e^-1e9 is 0.
  const logs = emit.op("LogSoftmax", [emit.add(near, diagonal(emit, size, -1e9))], { attributes: { axis: 1 } });
  const alike = emit.cast(emit.equal(emit.reshape(target, [size, 1]), emit.reshape(target, [1, size])), "float32");
  const friends = emit.sub(alike, diagonal(emit, size, 1));
  const count = emit.reduceSum(friends, [1], false);
  const sums = emit.neg(emit.reduceSum(emit.mul(friends, logs), [1], false));
  return { sums: emit.div(sums, emit.max(count, emit.number(1))), counts: emit.min(count, emit.number(1)) };
}

function diagonal(emit: Emitter, size: number, value: number): string {
  const values = new Float32Array(size * size);
  for (let i = 0; i < size; i++) values[i * size + i] = value;
  return emit.store("diagonal", tensor("float32", [size, size], values));
}
