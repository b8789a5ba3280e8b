// Which weights a quantize step is about: patterns of the user, sizes, and the reasons of those left out.

import picomatch from "picomatch";
import { invalid } from "../base/errors.js";
import { info, type Note, warning } from "../base/note.js";
import { label, type Model, type Node } from "../ir/model.js";
import { everyNode } from "../ir/traverse.js";
import { operatorKey } from "../ops/operator.js";
import type { Settings } from "./options.js";
import type { Weight } from "./weights.js";

export interface Selection {
  /** Whether the patterns leave a node to the step. */
  node(node: Node): boolean;
  /** Why a weight stays as it is, or undefined when the step may change it. */
  reasonToKeep(weight: Weight): string | undefined;
}

/** Throws `invalid("pattern-unmatched")` for a pattern that names nothing: a misspelt `keep` must not pass in silence. */
export function selection(model: Model, settings: Pick<Settings, "keep" | "only" | "minimum">): Selection {
  const keep = matcher(settings.keep);
  const only = settings.only.length === 0 ? () => true : matcher(settings.only);
  checkPatterns(model, [...settings.keep, ...settings.only]);
  const namesOf = (node: Node) => [label(node), operatorKey(node), ...node.inputs.filter((name) => name !== "")];
  const selected = (node: Node) => {
    const names = namesOf(node);
    return !names.some(keep) && names.some(only);
  };
  return {
    node: selected,
    reasonToKeep(weight) {
      if (keep(weight.name)) return "the option keep names it";
      const nodes = weight.consumers.flatMap((consumer) => consumer.node ?? []);
      if (nodes.some((node) => namesOf(node).some(keep))) return "the option keep names a node that uses it";
      if (!only(weight.name) && !nodes.some(selected)) return "the option only does not name it";
      if (weight.overridable) return "it is also an input of the model, so a caller may replace it";
      if (weight.elements === 0) return "it is empty";
      if (weight.elements < settings.minimum) return `it has fewer than ${settings.minimum} elements`;
      return undefined;
    },
  };
}

/** Notes of weights left out; small ones are counted together, they are many and matter little. */
export function keptNotes(kept: readonly { readonly weight: Weight; readonly reason: string }[]): Note[] {
  const large = kept.filter(({ weight }) => weight.elements >= LARGE);
  const small = kept.length - large.length;
  const notes = large.map(({ weight, reason }) =>
    info(
      "kept-float",
      `"${weight.name}" [${weight.tensor.dims}] stays ${weight.tensor.dtype}: ${reason}.`,
      weight.name,
    ),
  );
  if (small > 0) {
    notes.push(
      info("kept-float", `${small} small constants (biases, norms, fewer than ${LARGE} elements) stay float.`),
    );
  }
  return notes;
}

export const LARGE = 256;

export const nothingDone = (what: string): Note =>
  warning("nothing-quantized", `The model has no weights that ${what} can change.`);

/** Whether a name is one of these, or matches one as a glob. */
export function matcher(patterns: readonly string[]): (name: string) => boolean {
  const literal = new Set(patterns);
  const globs = patterns.filter((pattern) => picomatch.scan(pattern).isGlob).map((pattern) => picomatch(pattern));
  return (name) => literal.has(name) || globs.some((matches) => matches(name));
}

function checkPatterns(model: Model, patterns: readonly string[]): void {
  if (patterns.length === 0) return;
  const names = new Set<string>();
  for (const node of everyNode(model)) {
    for (const name of [label(node), operatorKey(node), ...node.inputs]) names.add(name);
  }
  for (const pattern of patterns) {
    const matches = matcher([pattern]);
    if (![...names].some(matches)) {
      throw invalid("pattern-unmatched", `Nothing in the model is called "${pattern}".`, {
        expected: "a node name, weight name, operator, or a glob of these",
        found: pattern,
        hint: "`pare inspect --nodes` lists the names; in a glob, * stops at a slash and ** does not.",
      });
    }
  }
}
