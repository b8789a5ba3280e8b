// What an upgrade rule is: how one operator's old form becomes the form that begins at some opset.

import { unsupported } from "../../base/errors.js";
import { type Attribute, type Initializer, label, type Node } from "../../ir/model.js";
import type { DType } from "../../tensor/dtype.js";
import type { ValueFact } from "../value-facts.js";

export interface Rule {
  readonly operators: readonly string[];
  /** The opset whose form the result has; the node given has the form of the opset before. */
  readonly at: number;
  /** The same object where the node's form is the same in both. Throws `unsupported` by `refuse` where there is no such form. */
  apply(node: Node, site: Site): Node | readonly Node[];
}

/** A small constant, by its values. */
export interface Literal {
  readonly dtype: "float32" | "float64" | "float16" | "bfloat16" | "int64";
  readonly dims: readonly number[];
  readonly values: readonly number[];
}

export const list = (values: readonly number[]): Literal => ({ dtype: "int64", dims: [values.length], values });
export const scalar = (dtype: Literal["dtype"], value: number): Literal => ({ dtype, dims: [], values: [value] });

/** What a rule may ask of the graph around its node. */
export interface Site {
  /** The opset in the end: forms that begin later than the rule's but not later than this may be used. */
  readonly target: number;
  /** Adds a constant, or finds the one added before with the same content; gives its name. */
  constant(value: Literal, stem: string): string;
  /** A new value name. */
  unique(stem: string): string;
  /** Whether anything uses a value. */
  isUsed(name: string): boolean;
  /** What is known of a value for certain. */
  fact(name: string): ValueFact;
  /** Type of a value: proved, else stated by the file, else the only float type of the model. */
  floatType(name: string): DType | undefined;
  /** The constant behind a name, if it is one. */
  initializer(name: string): Initializer | undefined;
}

/** The refusal, by name. */
export const refuse = (node: Node, at: number, why: string) =>
  unsupported("opset-upgrade", `${label(node)} (${node.opType}) cannot be raised to opset ${at}: ${why}.`, {
    node: label(node),
    hint: "Export the model anew with a newer opset.",
  });

/** A node with some attributes taken away and others set; the very same one where none was there to take away. */
export function withAttributes(node: Node, changes: Readonly<Record<string, Attribute | undefined>>): Node {
  if (!Object.entries(changes).some(([name, value]) => value || node.attributes.has(name))) return node;
  const attributes = new Map(node.attributes);
  for (const [name, value] of Object.entries(changes)) {
    if (value) attributes.set(name, value);
    else attributes.delete(name);
  }
  return { ...node, attributes };
}

/** Inputs with one more at a place: gaps are "" (not given), none are left at the end. */
export function withInput(node: Node, place: number, name: string): Node {
  const inputs = [...node.inputs];
  while (inputs.length < place) inputs.push("");
  inputs[place] = name;
  return { ...node, inputs };
}

/** Refuses an attribute that stands for one of a function's call: its value is not known here. */
export function requireGiven(node: Node, at: number, ...names: string[]): void {
  for (const name of names) {
    if (node.attributes.get(name)?.type === "reference") {
      throw refuse(node, at, `its "${name}" is an attribute of a function's call`);
    }
  }
}
