// The forward pass of a step: the prepared nodes, with weights that come from the state, dropout put back, and batch
// normalisation that uses the batch.

import { invalid } from "../base/errors.js";
import { label, type Node } from "../ir/model.js";
import { renameInputs } from "../ir/rename.js";
import { trainingForm } from "./batch-norm.js";
import type { Emitter } from "./emitter.js";
import { poolFirst } from "./pool-first.js";
import type { Rounding } from "./precision.js";
import type { Prepared, RunningStatistics } from "./prepared.js";
import type { Rewrite, WriteSite } from "./rewrite.js";
import { nameTest, unmatched } from "./weight-patterns.js";

export interface Mask {
  readonly input: string;
  readonly dims: readonly number[];
  readonly rate: number;
}

/** The next running value is keep x running + share x batch. */
export interface BatchStatistic {
  readonly batch: string;
  readonly keep: number;
  readonly share: number;
}

export interface ForwardOptions {
  /** Batch normalisations that use the batch's own statistics, and write the next running ones. */
  readonly statistics: readonly RunningStatistics[];
  /** Rate of dropout by the pattern of a node's name. */
  readonly dropout: Readonly<Record<string, number>>;
  /** Writes the nodes where precision is low. */
  readonly rounding?: Rounding | undefined;
  readonly rewrites?: readonly Rewrite[] | undefined;
  /** Where rewrites are written; needed where there are some. */
  readonly site?: WriteSite | undefined;
}

export interface Forward {
  /** What the graph calls a value of the prepared model, where nodes read it. */
  value(name: string): string;
  readonly masks: readonly Mask[];
  /** What running statistics are moved by, by the name of the initializer. */
  readonly statistics: ReadonlyMap<string, BatchStatistic>;
}

/** `names`: what takes the place of values of the prepared model, weights before all. It is added to. */
export function writeForward(
  emit: Emitter,
  prepared: Prepared,
  names: Map<string, string>,
  { statistics, dropout, rounding, rewrites = [], site }: ForwardOptions,
): Forward {
  const write = (nodes: readonly Node[]) => {
    if (rounding === undefined) emit.nodes.push(...nodes);
    else for (const node of nodes) rounding.write(node);
  };
  /** What `make` writes through the emitter, written as all else here. */
  const through = <T>(make: () => T): T => {
    const from = emit.nodes.length;
    const made = make();
    write(emit.nodes.splice(from));
    return made;
  };
  const normalised = new Map(statistics.map((one) => [one.node, one]));
  const rates = dropoutRates(prepared, dropout);
  const masks: Mask[] = [];
  const next = new Map<string, BatchStatistic>();
  const { nodes, outputs } = prepared.model.graph;
  const dropped = nodes.filter((node) => rates.has(label(node))).flatMap((node) => node.outputs);
  const ends = [...outputs.map(({ name }) => name), ...prepared.heads.map(({ logits }) => logits)];
  const rewritten = rewrites.flatMap(({ values }) => [...values]);
  const kept = new Set([...ends, ...dropped, ...rewritten]);
  // Forms that only some nodes read, in the order in which they are made.
  const some = new Map<string, { readonly reads: NonNullable<Rewrite["reads"]>; readonly form: string }[]>();
  const rewrite = (value: string) => {
    for (const { values, reads, write: form } of rewrites) {
      if (!values.has(value)) continue;
      const made = through(() => form(site!, names.get(value) ?? value, value));
      if (reads === undefined) names.set(value, made);
      else some.set(value, [...(some.get(value) ?? []), { reads, form: made }]);
    }
  };
  const formOf = (node: Node, value: string, input: number) =>
    some.get(value)?.findLast(({ reads }) => reads(node, input))?.form ?? names.get(value) ?? value;
  const named = (node: Node): Node =>
    some.size === 0
      ? renameInputs(node, names)
      : { ...renameInputs(node, names), inputs: node.inputs.map((value, input) => formOf(node, value, input)) };
  for (const name of prepared.inputs) rewrite(name);
  for (const node of poolFirst(nodes, kept, emit)) {
    const renamed = named(node);
    const running = normalised.get(node);
    if (running === undefined) write([renamed]);
    else {
      const form = through(() => trainingForm(emit, renamed));
      const { momentum: keep, correction } = form;
      next.set(running.mean, { batch: form.mean, keep, share: 1 - keep });
      next.set(running.variance, { batch: form.variance, keep, share: (1 - keep) * correction });
    }
    const rate = rates.get(label(node));
    const output = node.outputs[0];
    if (rate !== undefined && output !== undefined) {
      const { dims } = emit.shape(output);
      const input = emit.declare(emit.unique("pare.mask"), { dtype: "float32", dims });
      masks.push({ input, dims, rate });
      names.set(
        output,
        through(() => emit.mul(output, input)),
      );
    }
    if (rewrites.length > 0) for (const value of node.outputs) rewrite(value);
  }
  return { value: (name) => names.get(name) ?? name, masks, statistics: next };
}

/** Rate by label of a node. Throws `invalid("pattern-unmatched")` and `invalid("dropout-rate")`. */
function dropoutRates({ model, shapes }: Prepared, dropout: Readonly<Record<string, number>>): Map<string, number> {
  const found = new Map<string, number>();
  const { nodes } = model.graph;
  for (const [pattern, rate] of Object.entries(dropout)) {
    if (!(rate >= 0 && rate < 1)) {
      throw invalid("dropout-rate", `The rate of dropout after "${pattern}" is not one.`, {
        expected: "at least 0, below 1",
        found: String(rate),
      });
    }
    const exact = nodes.filter((node) => label(node) === pattern);
    const test = nameTest(pattern);
    const meant = exact.length > 0 ? exact : nodes.filter((node) => test(label(node)));
    const floats = meant.filter(({ outputs }) => shapes.get(outputs[0] ?? "")?.dtype === "float32");
    if (floats.length === 0) throw unmatched(pattern, nodes.map(label));
    if (rate > 0) for (const node of floats) found.set(label(node), rate);
  }
  return found;
}
