// Scale and zero point beside the numbers they belong to: one for all, one for each position of an axis, or one for each
// block of an axis. Spread to the numbers for the formulas, and summed back for the scale's gradient.

import { intOf } from "../../ir/attributes.js";
import type { Node } from "../../ir/model.js";
import { type Emitter, same } from "../emitter.js";

export interface ScaleLayout {
  /** A scale or zero point, of dimensions that broadcast with the numbers. */
  spread(name: string): string;
  /** What was computed for each number, summed to the dimensions of the scale. */
  collect(perNumber: string): string;
}

/** `dims` are those of the numbers, `scale` those of the scale. */
export function scaleLayout(emit: Emitter, node: Node, dims: readonly number[], scale: readonly number[]): ScaleLayout {
  const given = intOf(node, "axis", 1);
  const axis = given < 0 ? given + dims.length : given;
  const block = intOf(node, "block_size", 0);
  if (block === 0) {
    const beside = scale.length === 0 ? [] : dims.map((_, at) => (scale[0] !== 1 && at === axis ? scale[0]! : 1));
    return {
      spread: (name) => emit.reshape(name, beside),
      collect: (perNumber) => emit.reshape(emit.reduceTo(perNumber, beside), scale),
    };
  }
  const blocks = scale[axis]!;
  const apart = [...dims.slice(0, axis), blocks, block, ...dims.slice(axis + 1)];
  const whole = dims.with(axis, blocks * block);
  return {
    spread(name) {
      const repeated = emit.expand(emit.unsqueeze(name, axis + 1), apart);
      return emit.slice(emit.reshape(repeated, whole), [axis], [0], [dims[axis]!]);
    },
    collect(perNumber) {
      const pads = new Array<number>(2 * dims.length).fill(0);
      pads[axis + dims.length] = blocks * block - dims[axis]!;
      const full = same(dims, whole) ? perNumber : emit.pad(perNumber, pads);
      return emit.reduceSum(emit.reshape(full, apart), [axis + 1], false);
    },
  };
}
