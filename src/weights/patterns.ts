// How people name layers: by a node, a weight, an operator, a glob, a regular expression or a place in the model.

import { distance } from "fastest-levenshtein";
import picomatch from "picomatch";
import { invalid } from "../base/errors.js";
import { expression } from "../base/expression.js";
import { info, type Note } from "../base/note.js";
import { type Graph, label, type Model, type Node } from "../ir/model.js";
import { everyNode } from "../ir/traverse.js";
import { operatorKey } from "../ops/operator.js";
import { functionBody } from "./function-bodies.js";
import { isPlace, PLACES, type Placed, type PlaceName, placeOf } from "./places.js";
import type { Weight } from "./weights.js";

export interface Patterns {
  readonly node: (node: Node) => boolean;
  /** The weight itself, whoever uses it. */
  readonly weight: (weight: Weight) => boolean;
}

/** What every option that takes patterns says of them. */
export const PATTERNS =
  'names of nodes or weights, operators ("Conv", "com.microsoft:Attention"), globs, regular expressions ("/attn.*proj/i"), or "first", "last", "embeddings"';

/**
 * The patterns of one option for one model. A name that the model has wins over what a pattern might else mean, with a
 * Note where it is one of the words. Throws `invalid("pattern-unmatched")` for a pattern that names nothing (a misspelt
 * one must not pass in silence), and `invalid("pattern-wrong")` for a regular expression that is none.
 */
export function patterns(model: Model, list: readonly string[], minimum: number, notes: Note[]): Patterns {
  if (list.length === 0) return { node: () => false, weight: () => false };
  const known = namesIn(model);
  const named: ((name: string) => boolean)[] = [];
  const places: Placed[] = [];
  for (const pattern of list) {
    if (isPlace(pattern) && !known.has(pattern)) {
      const place = placeOf(model, pattern, minimum);
      if (place.nodes.size === 0) throw nowhere(pattern);
      places.push(place);
      continue;
    }
    if (isPlace(pattern)) {
      notes.push(info("pattern-is-name", `"${pattern}" is taken as the name of what is called so in the model.`));
    }
    const matches = known.has(pattern)
      ? (name: string) => name === pattern
      : (expression(pattern) ?? matcher([pattern]));
    if (![...known].some(matches)) throw unmatched(pattern, known);
    named.push(matches);
  }
  const any = (name: string) => named.some((matches) => matches(name));
  // Whoever names a local function names what is inside it.
  const calls = new Map<Graph | Node, string>();
  for (const definition of model.functions) {
    const body = functionBody(definition);
    for (const part of [body, ...body.nodes]) calls.set(part, `${definition.domain}:${definition.name}`);
  }
  const inside = (part: Graph | Node) => {
    const call = calls.get(part);
    return call !== undefined && any(call);
  };
  return {
    node: (node) => namesOf(node).some(any) || inside(node) || places.some(({ nodes }) => nodes.has(node)),
    weight: (weight) =>
      any(weight.name) || inside(weight.graph) || places.some(({ weights }) => weights.has(weight.tensor)),
  };
}

/** Whether a name is one of these, or matches one as a glob. */
export function matcher(patterns: readonly string[]): (name: string) => boolean {
  const literal = new Set(patterns);
  const globs = patterns.filter((pattern) => picomatch.scan(pattern).isGlob).map((pattern) => picomatch(pattern));
  return (name) => literal.has(name) || globs.some((matches) => matches(name));
}

const namesOf = (node: Node) => [label(node), operatorKey(node), ...node.inputs.filter((name) => name !== "")];

function namesIn(model: Model): ReadonlySet<string> {
  const names = new Set(model.graph.initializers.keys());
  for (const node of everyNode(model, { functions: true })) for (const name of namesOf(node)) names.add(name);
  return names;
}

function nowhere(place: PlaceName) {
  return invalid("pattern-unmatched", `The model has no layer that "${place}" stands for.`, {
    expected: PLACES[place],
    found: place,
    hint: "Small weights do not count (the option minimum). `pare inspect --nodes` lists the names.",
  });
}

function unmatched(pattern: string, known: ReadonlySet<string>) {
  const near = nearest(pattern, [...known, ...Object.keys(PLACES)]);
  const hint = near.length > 0 ? `Near it: ${near.map((name) => `"${name}"`).join(", ")}. ` : "";
  return invalid("pattern-unmatched", `Nothing in the model is called "${pattern}".`, {
    expected: PATTERNS,
    found: pattern,
    hint: `${hint}\`pare inspect --nodes\` lists the names; in a glob, * stops at a slash and ** does not.`,
  });
}

/** Up to three: those that hold the words of the pattern, shortest first, else those of the fewest edits. */
function nearest(pattern: string, names: readonly string[]): string[] {
  const words = pattern
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word.length > 1);
  const holding = names.filter((name) => words.length > 0 && words.every((word) => name.toLowerCase().includes(word)));
  if (holding.length > 0) return holding.sort((a, b) => a.length - b.length).slice(0, 3);
  return names
    .map((name) => [name, distance(pattern, name)] as const)
    .filter(([name, edits]) => edits <= Math.max(2, Math.max(pattern.length, name.length) / 2))
    .sort(([, a], [, b]) => a - b)
    .slice(0, 3)
    .map(([name]) => name);
}
