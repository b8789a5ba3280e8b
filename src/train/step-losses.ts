// The losses of a step: chosen, checked against the model's outputs, written, and differentiated down to what they read.

import { z } from "zod";
import { invalid } from "../base/errors.js";
import { parseOptions, parseStrict } from "../base/options.js";
import { suggest } from "../base/registry.js";
import { backward } from "./backward.js";
import type { Emitter } from "./emitter.js";
import { losses } from "./losses/index.js";
import type { Loss, LossTerms, Target } from "./losses/loss.js";
import type { Head, Prepared } from "./prepared.js";
import type { WriteSite } from "./rewrite.js";
import type { Term, TermLoss } from "./term.js";

/** A loss by name, on an output of the model, with the loss's own options beside. */
export interface LossChoice {
  readonly loss: string;
  /** Default: the model's first float output. */
  readonly output?: string | undefined;
  /** Factor in the sum of losses; default 1. */
  readonly weight?: number | undefined;
  readonly [option: string]: unknown;
}

export interface ChosenLoss {
  readonly method: Loss;
  readonly options: Record<string, unknown>;
  /** What figures call it, unique among the losses of a step. */
  readonly name: string;
  readonly factor: number;
  /** The value of the forward pass that it reads. */
  readonly reads: string;
  readonly head: Head;
  /** Further outputs that it reads. */
  readonly others: readonly string[];
  /** Its labels and their input; undefined where it needs none. */
  readonly labels: (Target & { readonly input: string }) | undefined;
}

const common = z.object({
  output: z.string().optional(),
  weight: z.number().positive().default(1),
});

/**
 * Throws `invalid("loss-unknown")`, `invalid("loss-output")`, and what `parseOptions` throws.
 */
export function chooseLosses(prepared: Prepared, choices: readonly LossChoice[]): ChosenLoss[] {
  const names = new Set<string>();
  return choices.map((choice, i) => {
    const { loss, output, weight, ...own } = choice;
    const method = losses.get(loss);
    const where = `losses[${i}]`;
    const { weight: factor } = parseStrict(common, { output, weight }, where);
    const options = parseOptions(method, own, where);
    const head = headOf(prepared, method, output);
    const reads = method.reads === "logits" ? head.logits : head.output;
    const prediction = prepared.shapes.get(reads)!;
    if (prediction.dtype !== "float32" || prediction.dims[0] !== prepared.batch) {
      throw invalid("loss-output", `The output "${head.output}" has no row for each sample of the batch.`, {
        node: head.output,
        expected: `float32 [${prepared.batch}, ...]`,
        found: `${prediction.dtype} [${prediction.dims}]`,
        hint: "Choose another output for the loss.",
      });
    }
    const target = method.target({ options, prediction, axis: head.axis, output: head.output });
    const others = method.others?.(options) ?? [];
    for (const other of others) headOf(prepared, method, other);
    const name = [loss, `${loss}.${head.output}`].find((one) => !names.has(one)) ?? `${loss}.${i}`;
    names.add(name);
    const input = choices.length === 1 ? "pare.target" : `pare.target.${i}`;
    const labels = target === undefined ? undefined : { ...target, input };
    return { method, options, name, factor, reads, head, others, labels };
  });
}

function headOf({ heads }: Prepared, method: Loss, output: string | undefined): Head {
  const names = heads.map((head) => head.output);
  if (heads.length === 0) throw invalid("loss-output", "The model has no float output that a loss could be on.");
  const head = output === undefined ? heads[0]! : heads.find((one) => one.output === output);
  if (head === undefined) {
    throw invalid("loss-output", `The model has no float output "${output}".`, {
      expected: names.join(", "),
      found: output,
      hint: suggest(output!, names),
    });
  }
  if (method.heads.includes(head.activation)) return head;
  throw invalid("loss-output", `The loss ${method.name} does not fit the output "${head.output}".`, {
    node: head.output,
    expected: `an output that ends in ${method.heads.map((one) => (one === "none" ? "no activation" : one)).join(" or ")}`,
    found: `it ends in ${head.activation}`,
    hint:
      head.activation === "sigmoid"
        ? "Take binary-cross-entropy: each number of the output is a yes or no of its own."
        : "Take cross-entropy: the outputs are the probabilities of classes.",
  });
}

export interface WrittenLosses {
  /** The sum of the mean losses times their factors, a scalar. */
  readonly loss: string;
  /** [batch]; without the weights of samples. */
  readonly perSample: string;
  /** Mean loss by name, scalars. */
  readonly named: ReadonlyMap<string, string>;
  /** What terms wrote: to be differentiated with the forward pass, down to it and to weights of their own. */
  readonly nodes: Emitter["nodes"];
  /**
   * Gradients of `loss` times `scale` (a scalar; default 1) by the values that the losses read, and by the sums of the terms.
   * With `gathered` the sums over the batch are divided by its size only, and `share` is the weight of its samples over its
   * size: gradients and shares of several batches add up to what one large batch gives.
   */
  backward(scale: string | undefined, gathered: boolean): { gradients: Map<string, string>; share: string };
}

export interface LossPlace {
  readonly emit: Emitter;
  /** What the graph calls a value of the prepared model. */
  readonly value: (name: string) => string;
  /** Input of sample weights, [batch]. */
  readonly weights: string;
  readonly batch: number;
}

/** One part of the loss. `reads`: what its nodes are differentiated down to here; undefined: with the forward pass. */
interface Part {
  readonly name: string;
  readonly terms: LossTerms | TermLoss;
  readonly nodes: Emitter["nodes"];
  readonly reads: readonly string[] | undefined;
  /** The sum over what counts in the batch, and the mean loss; scalars. */
  readonly counted: string;
  readonly mean: string;
  /** [batch] */
  readonly own: string;
  scaled(value: string): string;
}

/** At least one loss or term. */
export function writeLosses(
  { emit, value, weights, batch }: LossPlace,
  chosen: readonly ChosenLoss[],
  added: readonly Term[],
  writeSite: WriteSite | undefined,
): WrittenLosses {
  const all = emit.total(weights);
  const part = (name: string, write: () => Pick<Part, "terms" | "reads" | "scaled">): Part => {
    const from = emit.nodes.length;
    const { terms, reads, scaled } = write();
    const nodes = emit.nodes.slice(from);
    const { sums, counts } = terms;
    // A batch in which nothing counts has no loss: 0, where 0 / 0 would end the training.
    const counted = emit.max(counts === undefined ? all : emit.total(emit.mul(weights, counts)), emit.number(1e-12));
    const mean = emit.div(emit.total(emit.mul(weights, sums)), counted);
    const own = counts === undefined ? sums : emit.div(sums, emit.max(counts, emit.number(1e-12)));
    return { name, terms, nodes, reads, counted, mean, own, scaled };
  };
  const losses = chosen.map((loss) =>
    part(loss.name, () => {
      const read = value(loss.reads);
      const { axis, output } = loss.head;
      const others = loss.others.map(value);
      const site = { emit, value: read, prediction: emit.shape(read), axis, output, options: loss.options, others };
      const terms = loss.method.write({ ...site, target: loss.labels?.input ?? "" });
      return { terms, reads: [read, ...others], scaled: (mean) => emit.scale(mean, loss.factor) };
    }),
  );
  const terms = added.map((term) =>
    part(term.name, () => {
      const written = term.write({ ...writeSite!, value, sampleWeights: weights });
      const scaled = (mean: string) => {
        const weighted = emit.scale(mean, term.weight);
        return written.factor === undefined ? weighted : emit.mul(weighted, written.factor);
      };
      return { terms: written, reads: undefined, scaled };
    }),
  );
  const written = [...losses, ...terms];
  const sum = (parts: readonly string[]) => parts.reduce((total, one) => emit.add(total, one));
  // One weight for all: then sums can be gathered over batches before they are divided.
  const alike = written.length === 1 || written.every(({ terms: { counts } }) => counts === undefined);
  return {
    loss: sum(written.map(({ mean, scaled }) => scaled(mean))),
    perSample: sum(written.map(({ own, scaled }) => scaled(own))),
    named: new Map(written.map(({ name, mean }) => [name, mean])),
    nodes: terms.flatMap(({ nodes }) => nodes),
    backward(scale, gathered) {
      const seed = scale ?? emit.number(1);
      const gradients = new Map<string, string>();
      const flow = (to: string, gradient: string) => {
        const before = gradients.get(to);
        gradients.set(to, before === undefined ? gradient : emit.add(before, gradient));
      };
      for (const { terms: own, nodes, reads, counted, scaled } of written) {
        const factor = scaled(seed);
        const share = gathered && alike ? emit.scale(factor, 1 / batch) : emit.div(factor, counted);
        const each = emit.mul(weights, share);
        if (reads === undefined) flow(own.sums, each);
        else
          for (const [read, gradient] of gradientsOf(emit, own as LossTerms, nodes, reads, each)) flow(read, gradient);
      }
      return { gradients, share: alike ? emit.scale(written[0]!.counted, 1 / batch) : emit.number(1) };
    },
  };
}

function gradientsOf(
  emit: Emitter,
  terms: LossTerms,
  nodes: Emitter["nodes"],
  reads: readonly string[],
  share: string,
): ReadonlyMap<string, string> {
  if (terms.gradient) return new Map([[reads[0]!, terms.gradient(share)]]);
  return backward({ nodes, loss: new Map([[terms.sums, share]]), targets: reads }, emit);
}
