// How options name weights: by the weight, the tensor it came from, a node that reads it, a glob, or a regular expression.

import picomatch from "picomatch";
import { invalid } from "../base/errors.js";
import { expression } from "../base/expression.js";
import { suggest } from "../base/registry.js";
import { label } from "../ir/model.js";
import type { Prepared, TrainableWeight } from "./prepared.js";

export type WeightMatcher = (weight: TrainableWeight) => boolean;

/**
 * Weights that one of the patterns names: "classifier*" (a glob: * stops at a slash, ** does not), "/conv[12]/" (a regular
 * expression) or a whole name, of a weight or of a node that reads one.
 * Throws `invalid("pattern-unmatched")` for one that names nothing, `invalid("pattern-wrong")` for a broken expression.
 */
export function weightMatcher(prepared: Prepared, patterns: readonly string[]): WeightMatcher {
  const names = namesOfWeights(prepared);
  const known = new Set([...names.values()].flat());
  const tests = patterns.map((pattern) => {
    const test = known.has(pattern) ? (name: string) => name === pattern : nameTest(pattern);
    if (![...known].some(test)) throw unmatched(pattern, [...known]);
    return test;
  });
  return (weight) => (names.get(weight.name) ?? []).some((name) => tests.some((test) => test(name)));
}

/** Whether a name matches a glob or a "/regular expression/". Throws `invalid("pattern-wrong")`. */
export function nameTest(pattern: string): (name: string) => boolean {
  const test = expression(pattern);
  if (test !== undefined) return test;
  const matches = picomatch(pattern);
  // Its second argument asks for another form of result: an index handed on by `some` must not reach it.
  return (name) => matches(name);
}

export const unmatched = (pattern: string, known: readonly string[]) =>
  invalid("pattern-unmatched", `Nothing that could be meant is called "${pattern}".`, {
    expected: 'names, globs ("classifier*"; * stops at a slash, ** does not) or regular expressions ("/conv[12]/")',
    found: pattern,
    hint: suggest(pattern, known),
  });

function namesOfWeights({ weights, model }: Prepared): ReadonlyMap<string, readonly string[]> {
  const names = new Map(weights.map(({ name, source }) => [name, new Set([name, source])]));
  for (const node of model.graph.nodes) {
    for (const input of node.inputs) names.get(input)?.add(label(node));
  }
  return new Map([...names].map(([name, all]) => [name, [...all]]));
}
