// Normalisation over the elements of a group of channels of one sample: the gradient rule of GroupNormalization, and of
// InstanceNormalization, which has a group per channel.

import { floatOf } from "../../ir/attributes.js";
import { product } from "../../ops/operator.js";
import { channelSums } from "../convolution/sums.js";
import type { GradientSite, InputGradients } from "../gradients/rule.js";
import { normalise, normaliseGradient } from "./normalise.js";

export function normaliseGroups({ node, emit, input, gradient, needs }: GradientSite, groups: number): InputGradients {
  const dims = emit.dims(input(0));
  const [batch, channels] = [dims[0]!, dims[1]!];
  const rows = [batch * groups, product(dims.slice(1)) / groups];
  // [N, scales, the rest]: a scale for each channel, or for each group.
  const scales = emit.dims(input(1))[0]!;
  const byScale = [batch, scales, (channels / scales) * product(dims.slice(2))];
  const dy = emit.reshape(gradient(0)!, byScale);
  const normal =
    needs(0) || needs(1)
      ? normalise(emit, emit.reshape(input(0), rows), floatOf(node, "epsilon", 1e-5), true)
      : undefined;
  return [
    needs(0) ? ofInput() : undefined,
    needs(1) ? channelSums(emit, emit.mul(dy, emit.reshape(normal!.xhat, byScale))) : undefined,
    needs(2) ? channelSums(emit, dy) : undefined,
  ];

  function ofInput(): string {
    const g = emit.mul(dy, emit.reshape(input(1), [scales, 1]));
    return emit.reshape(normaliseGradient(emit, normal!, { gradient: emit.reshape(g, rows) }), dims);
  }
}
