// Reading and making node attributes without the ceremony.

import { invalid } from "../base/errors.js";
import type { Tensor } from "../tensor/tensor.js";
import { type Attribute, type Graph, label, type Node } from "./model.js";

/** What an attribute may be made from: integers become "int"/"ints" unless wrapped by `float`/`floats`. */
export type AttributeInput = Attribute | number | bigint | string | readonly number[] | readonly string[];

export const int = (value: number | bigint): Attribute => ({ type: "int", value: BigInt(value) });
export const ints = (value: readonly (number | bigint)[]): Attribute => ({
  type: "ints",
  value: value.map((v) => BigInt(v)),
});
export const float = (value: number): Attribute => ({ type: "float", value: Math.fround(value) });
export const floats = (value: readonly number[]): Attribute => ({ type: "floats", value: value.map(Math.fround) });
export const string = (value: string): Attribute => ({ type: "string", value: new TextEncoder().encode(value) });
export const tensorAttribute = (value: Tensor): Attribute => ({ type: "tensor", value });
export const graphAttribute = (value: Graph): Attribute => ({ type: "graph", value });

export function attribute(input: AttributeInput): Attribute {
  if (typeof input === "string") return string(input);
  if (typeof input === "bigint") return int(input);
  if (typeof input === "number") return Number.isInteger(input) ? int(input) : float(input);
  if (!Array.isArray(input)) return input as Attribute;
  const list = input as readonly (number | string)[];
  if (list.every((v) => typeof v === "string")) {
    return { type: "strings", value: list.map((v) => new TextEncoder().encode(v)) };
  }
  return ints(list as readonly number[]);
}

/** The attribute's value as a safe integer, or `otherwise` when it is absent. */
export function intOf(node: Node, name: string, otherwise: number): number {
  const found = node.attributes.get(name);
  if (found === undefined) return otherwise;
  if (found.type !== "int") throw wrongType(node, name, "int", found.type);
  return Number(found.value);
}

export function intsOf(node: Node, name: string): number[] | undefined {
  const found = node.attributes.get(name);
  if (found === undefined) return undefined;
  if (found.type !== "ints") throw wrongType(node, name, "ints", found.type);
  return found.value.map(Number);
}

export function floatOf(node: Node, name: string, otherwise: number): number {
  const found = node.attributes.get(name);
  if (found === undefined) return otherwise;
  if (found.type !== "float") throw wrongType(node, name, "float", found.type);
  return found.value;
}

export function stringOf(node: Node, name: string, otherwise: string): string {
  const found = node.attributes.get(name);
  if (found === undefined) return otherwise;
  if (found.type !== "string") throw wrongType(node, name, "string", found.type);
  return new TextDecoder().decode(found.value);
}

const wrongType = (node: Node, name: string, expected: string, found: string) =>
  invalid("attribute-type", `Attribute "${name}" of ${label(node)} (${node.opType}) has the wrong type.`, {
    node: label(node),
    expected,
    found,
  });
