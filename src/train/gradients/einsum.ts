// Einsum is linear in each operand: its gradient is an Einsum of dY with the other operands, with the roles of result and
// operand exchanged. Indices that only this operand has were summed out, so the gradient is the same along them.

import { unsupported } from "../../base/errors.js";
import { stringOf } from "../../ir/attributes.js";
import { label, type Node } from "../../ir/model.js";
import type { Emitter } from "../emitter.js";
import { defineGradient } from "./rule.js";

export const einsum = defineGradient({
  name: "einsum",
  summary: "Einsum without an index repeated in one operand; ellipsis",
  reference: "https://onnx.ai/onnx/operators/onnx__Einsum.html",
  operators: ["Einsum"],
  backward({ node, emit, gradient, needs }) {
    const { terms, result } = parse(node, emit);
    const out: Operand = { name: gradient(0)!, term: result };
    const operands = node.inputs.map((name, index): Operand => ({ name, term: terms[index]! }));
    return operands.map((own, index) => {
      if (!needs(index)) return undefined;
      const others = operands.filter((_, at) => at !== index);
      return gradientOf(own, [out, ...others], emit);
    });
  },
});

/** A value and the index letter of each of its axes. */
interface Operand {
  readonly name: string;
  readonly term: string;
}

function gradientOf(own: Operand, factors: readonly Operand[], emit: Emitter): string {
  const sizes = new Map<string, number>();
  for (const { name, term } of [own, ...factors]) {
    [...term].forEach((letter, axis) => {
      sizes.set(letter, Math.max(sizes.get(letter) ?? 1, emit.dims(name)[axis]!));
    });
  }
  // An axis of 1 that was broadcast along says nothing: without it every letter has one size.
  const plain = factors.map((factor) => withoutBroadcast(factor, sizes, emit));
  const known = new Set(plain.flatMap(({ term }) => [...term]));
  const term = [...own.term].filter((letter) => known.has(letter)).join("");
  const equation = `${plain.map((factor) => factor.term).join()}->${term}`;
  const dims = [...term].map((letter) => sizes.get(letter)!);
  const summed =
    plain.length === 1 && plain[0]!.term === term
      ? plain[0]!.name
      : emit.op(
          "Einsum",
          plain.map((factor) => factor.name),
          { dims, attributes: { equation } },
        );
  const kept = [...own.term].map((letter) => (known.has(letter) ? sizes.get(letter)! : 1));
  // Back to the axes of the operand itself; what was broadcast is summed out by the driver.
  return emit.expand(
    emit.reshape(summed, kept),
    kept.map((size, axis) => (known.has(own.term[axis]!) ? size : emit.dims(own.name)[axis]!)),
  );
}

function withoutBroadcast(operand: Operand, sizes: ReadonlyMap<string, number>, emit: Emitter): Operand {
  const dims = emit.dims(operand.name);
  const kept = [...operand.term].filter((letter, axis) => dims[axis] === sizes.get(letter));
  return {
    term: kept.join(""),
    name: emit.reshape(
      operand.name,
      kept.map((letter) => sizes.get(letter)!),
    ),
  };
}

/** The equation without spaces and ellipsis; the result's term is always explicit. */
function parse(node: Node, emit: Emitter): { terms: string[]; result: string } {
  const equation = stringOf(node, "equation", "").replaceAll(/\s/g, "");
  const [left = "", right] = equation.split("->");
  const written = left.split(",");
  const free = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"].filter((l) => !equation.includes(l));
  const spans = written.map((term, index) => emit.rank(node.inputs[index]!) - term.replace("...", "").length);
  const longest = Math.max(0, ...written.map((term, index) => (term.includes("...") ? spans[index]! : 0)));
  const letters = free.slice(0, longest).join("");
  const terms = written.map((term, index) => term.replace("...", letters.slice(longest - spans[index]!)));
  for (const term of terms) {
    if (new Set(term).size === term.length) continue;
    throw unsupported("gradient-einsum", `${label(node)} (Einsum) repeats an index within one operand.`, {
      node: label(node),
      expected: "each index at most once in an operand",
      found: equation,
      hint: "Take the diagonal by another operator.",
    });
  }
  if (right !== undefined) return { terms, result: right.replace("...", letters) };
  // Without "->": the ellipsis, then every letter that stands once, in alphabetical order.
  const all = [...written.join("").replaceAll(".", "")].filter((letter) => letter !== ",");
  const once = all.filter((letter) => all.indexOf(letter) === all.lastIndexOf(letter));
  return { terms, result: letters + once.sort().join("") };
}
