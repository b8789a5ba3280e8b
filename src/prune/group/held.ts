// What masked channels hold along every axis, node by node; and which must stay because of it.

import { PareError } from "../../base/errors.js";
import { type EngineServices, withSession } from "../../engine/session.js";
import { graphBuilder } from "../../ir/build.js";
import { label, type Model, type Node } from "../../ir/model.js";
import { subgraphs } from "../../ir/traverse.js";
import { channelRuleOf } from "../../ops/channels/index.js";
import type { Axis, Rest, Rests } from "../../ops/channels/rule.js";
import { float32 } from "../../tensor/tensor.js";
import type { Coupling } from "./coupling.js";
import { channelNode, type Facts, type Passages } from "./flows.js";

export type Held = (axis: Axis) => Rest;

/** Asks the rules in order, and keeps what they say must stay. */
export async function findHeld(
  coupling: Coupling,
  facts: Facts,
  passages: Passages,
  services: EngineServices,
): Promise<Held> {
  const found = new Map<string, Rest>();
  const keyOf = ({ value, axis }: Axis) => `${axis} ${value}`;
  const held: Held = (axis) => (facts.fixed.has(axis.value) ? 0 : found.get(keyOf(axis)));
  const run = scalarRunner(facts.model, services);
  for (const node of facts.model.graph.nodes) {
    const rule = channelRuleOf(node);
    if (rule?.rests === undefined || subgraphs(node).length > 0) continue;
    if ([...node.inputs, ...node.outputs].some((name) => name !== "" && !facts.dims.has(name))) continue;
    const own = channelNode(node, facts);
    const keep = (axis: Axis, reason: string) => {
      const first = coupling.firstOf(axis);
      const length = own.dims(axis.value)[axis.axis] ?? 0;
      if (first >= 0) for (let at = 0; at < length; at++) coupling.keep(first + at, { reason, node: label(node) });
    };
    const rests: Rests = {
      ...own,
      rest: held,
      leaves: (axis, rest) => void found.set(keyOf(axis), rest),
      carries() {
        for (const [from, to] of passages.get(node) ?? []) {
          // What an axis that stays holds matters to nobody: the image beside the features in a Concat.
          if (staysWhole(coupling, from, own.dims(from.value)[from.axis] ?? 0)) continue;
          const [rest, known] = [held(from), found.has(keyOf(to))];
          found.set(keyOf(to), known && found.get(keyOf(to)) !== rest ? undefined : rest);
        }
      },
      sums(axis, accepts, because) {
        const rest = held(axis);
        if (rest === 0 || (accepts === "number" && rest !== undefined)) return;
        keep(
          axis,
          rest === undefined
            ? `${node.opType} sums over it, and without its weights it would still hold what depends on the data`
            : `${node.opType} sums over it, and without its weights it would still hold ${rest}, which no bias can stand for${because ? `: ${because}` : " here"}`,
        );
      },
      keep: (what, reason) => {
        if (typeof what !== "string") keep(what, reason);
        else for (const axis of own.dims(what).keys()) keep({ value: what, axis }, reason);
      },
      run: (inputs) => run(node, inputs),
    };
    await rule.rests(rests);
  }
  return held;
}

function staysWhole(coupling: Coupling, axis: Axis, length: number): boolean {
  const first = coupling.firstOf(axis);
  if (first < 0) return true;
  for (let at = 0; at < length; at++) if (!coupling.isKept(first + at)) return false;
  return true;
}

/** Runs a node on scalars: what f(0) is, the runtime says. */
function scalarRunner(model: Model, services: EngineServices) {
  const known = new Map<string, Promise<Rest>>();
  return (node: Node, inputs: readonly Rest[]): Promise<Rest> => {
    const attributes = [...node.attributes].map(([name, { type, value }]) => [name, type, String(value)]);
    const key = JSON.stringify([node.domain, node.opType, attributes, inputs.map((input) => input ?? null)]);
    const before = known.get(key);
    if (before) return before;
    const made = ranOnScalars(node, inputs, model, services);
    known.set(key, made);
    return made;
  };
}

async function ranOnScalars(
  node: Node,
  inputs: readonly Rest[],
  model: Model,
  services: EngineServices,
): Promise<Rest> {
  const builder = graphBuilder("scalars");
  const names = inputs.map((input, at) =>
    input === undefined ? "" : builder.initializer(`input_${at}`, float32([], [input])),
  );
  const y = builder.node(node.opType, names, {
    domain: node.domain,
    attributes: Object.fromEntries(node.attributes),
  });
  builder.output(y);
  const made = { ...builder.model(), opsets: model.opsets, irVersion: model.irVersion };
  try {
    return await withSession(made, services, { optimize: "off" }, async (session) => {
      const [value] = Object.values(await session.run({}));
      const number = Number(value?.data[0]);
      return Number.isFinite(number) ? number : undefined;
    });
  } catch (error) {
    // No kernel for float32 scalars: then nothing is known.
    if (error instanceof PareError) return undefined;
    throw error;
  }
}
