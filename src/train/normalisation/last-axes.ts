// Normalisation over the axes from `axis` on, with a scale and perhaps a bias: the gradient rule of LayerNormalization and
// RMSNormalization.

import { floatOf, intOf } from "../../ir/attributes.js";
import { product } from "../../ops/operator.js";
import { same } from "../emitter.js";
import type { GradientSite, InputGradients } from "../gradients/rule.js";
import { normalise, normaliseGradient } from "./normalise.js";

/** `centred`: whether the mean is taken off. */
export function normaliseLastAxes(
  { node, emit, input, gradient, needs }: GradientSite,
  { centred }: { readonly centred: boolean },
): InputGradients {
  const dims = emit.dims(input(0));
  const stated = intOf(node, "axis", -1);
  const axis = stated < 0 ? stated + dims.length : stated;
  const [rows, size] = [product(dims.slice(0, axis)), product(dims.slice(axis))];
  const flat = (name: string, width: number) => emit.reshape(name, [rows, width]);
  const dy = gradient(0);
  const simple = same(emit.dims(input(1)), dims.slice(axis));
  const normal =
    needs(0) || needs(1) ? normalise(emit, flat(input(0), size), floatOf(node, "epsilon", 1e-5), centred) : undefined;
  // RMSNormalization has no further results; SimplifiedLayerNormalization has the inverse only, LayerNormalization both.
  const [mean, inverse] = centred ? [gradient(1), gradient(2)] : [undefined, gradient(1)];
  return [
    needs(0) ? ofInput() : undefined,
    needs(1) && dy !== undefined ? ofScale(dy) : undefined,
    needs(2) ? dy : undefined,
  ];

  function ofInput(): string {
    const g = dy === undefined ? undefined : flat(emit.mul(dy, input(1)), size);
    const column = (name: string | undefined) => (name === undefined ? undefined : flat(name, 1));
    const flow = { gradient: g, mean: column(mean), inverse: column(inverse) };
    return emit.reshape(normaliseGradient(emit, normal!, flow), dims);
  }

  /** [...]: what broadcasting spread is summed out by the driver; first here, where the scale has all normalised axes. */
  function ofScale(g: string): string {
    const each = emit.mul(flat(g, size), normal!.xhat);
    return simple ? emit.reshape(emit.reduceSum(each, [0], false), dims.slice(axis)) : emit.reshape(each, dims);
  }
}
