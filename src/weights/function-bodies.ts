// A local function's body as a graph whose float Constant nodes are initializers: functions have none, so its weights
// stand in nodes. Back in the file they are nodes again.

import { tensorAttribute } from "../ir/attributes.js";
import { makeNode } from "../ir/build.js";
import { bodyGraph } from "../ir/map.js";
import type { FunctionDefinition, Graph, Initializer, Node } from "../ir/model.js";
import { constantValue } from "../passes/constant-node.js";

const bodies = new WeakMap<FunctionDefinition, Graph>();

/** The same graph for the same definition: edits are collected by it. */
export function functionBody(definition: FunctionDefinition): Graph {
  const known = bodies.get(definition);
  if (known) return known;
  const plain = bodyGraph(definition);
  const initializers = new Map<string, Initializer>();
  const given = new Set(definition.outputs);
  const nodes = plain.nodes.filter((node) => {
    const value = node.opType === "Constant" && node.domain === "" ? constantValue(node) : undefined;
    const name = node.outputs[0];
    if (name === undefined || given.has(name) || (value?.dtype !== "float32" && value?.dtype !== "float16"))
      return true;
    initializers.set(name, value);
    return false;
  });
  const body = { ...plain, nodes, initializers };
  bodies.set(definition, body);
  return body;
}

/** The definition with `body`, an edited `functionBody`; the opsets are those of the domains that it uses. */
export function withBody(definition: FunctionDefinition, body: Graph, opsets: ReadonlyMap<string, number>) {
  if (body === functionBody(definition)) return definition;
  const before = new Map(definition.nodes.map((node) => [node.outputs[0], node]));
  const untouched = functionBody(definition).initializers;
  const constants = [...body.initializers].map(([name, value]): Node => {
    const stood = untouched.get(name) === value ? before.get(name) : undefined;
    return stood ?? constantNode(name, value);
  });
  const used = new Set(body.nodes.map(({ domain }) => domain));
  const added = [...opsets].filter(([domain]) => used.has(domain) && !definition.opsets.has(domain));
  return {
    ...definition,
    nodes: [...constants, ...body.nodes],
    opsets: added.length > 0 ? new Map([...definition.opsets, ...added]) : definition.opsets,
  };
}

const constantNode = (name: string, value: Initializer): Node =>
  makeNode("Constant", [], [name], {
    name: `${name}_constant`,
    attributes: {
      ...(value.sparse ? { sparse_value: { type: "sparse", value } } : { value: tensorAttribute(value) }),
    },
  });
