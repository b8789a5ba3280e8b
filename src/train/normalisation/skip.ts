// Normalisation of input + skip + bias over the last axis, whose sum is a result of its own for the next block: the gradient
// rule of com.microsoft's fused operators.

import { unsupported } from "../../base/errors.js";
import { floatOf } from "../../ir/attributes.js";
import { label } from "../../ir/model.js";
import { product } from "../../ops/operator.js";
import type { GradientSite, InputGradients } from "../gradients/rule.js";
import { normalise, normaliseGradient } from "./normalise.js";

export interface SkipForm {
  readonly centred: boolean;
  /** Input indices; -1: none. */
  readonly beta: number;
  readonly bias: number;
}

export function normaliseSum(
  { node, emit, input, output, gradient, needs }: GradientSite,
  form: SkipForm,
): InputGradients {
  if (gradient(1) !== undefined || gradient(2) !== undefined) {
    throw unsupported("gradient-form", `The statistics of ${node.opType} have no gradient.`, { node: label(node) });
  }
  const dims = emit.dims(input(0));
  const size = dims.at(-1)!;
  const flat = (name: string) => emit.reshape(name, [product(dims) / size, size]);
  const dy = gradient(0);
  const summands = [0, 1, form.bias].filter((index) => needs(index));
  const results: (string | undefined)[] = [];
  if (dy !== undefined && (summands.length > 0 || needs(2))) {
    const normal = normalise(emit, flat(sum()), floatOf(node, "epsilon", 1e-12), form.centred);
    const rows = flat(dy);
    if (needs(2)) results[2] = emit.reduceSum(emit.mul(rows, normal.xhat), [0], false);
    if (summands.length > 0) {
      results[0] = emit.reshape(normaliseGradient(emit, normal, { gradient: emit.mul(rows, input(2)) }), dims);
    }
  }
  if (form.beta >= 0 && needs(form.beta)) results[form.beta] = dy;
  const further = gradient(3);
  const ofSum = further === undefined ? results[0] : results[0] === undefined ? further : emit.add(results[0], further);
  results[0] = undefined;
  for (const index of summands) results[index] = ofSum;
  return results;

  function sum(): string {
    if (output(3) !== "") return output(3);
    const both = emit.add(input(0), input(1));
    return input(form.bias) === "" ? both : emit.add(both, input(form.bias));
  }
}
