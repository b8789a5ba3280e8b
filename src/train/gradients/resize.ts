// Resize is linear and acts on each axis alone: the gradient is a product with the transposed matrix of weights, axis by
// axis. The matrix is what Resize itself makes of the unit matrix, so that rounding chooses the same neighbours whatever the
// runtime; being constant it is computed once, at load. Repeating each position a whole number of times, the usual case, is a
// sum over the repeats.

import { unsupported } from "../../base/errors.js";
import { intOf, intsOf, stringOf } from "../../ir/attributes.js";
import { label } from "../../ir/model.js";
import { elementCount } from "../../tensor/dtype.js";
import { float32 } from "../../tensor/tensor.js";
import { constantInput } from "./constant-input.js";
import { defineGradient, type GradientSite } from "./rule.js";

export const resize = defineGradient({
  name: "resize",
  summary: "Resize: nearest and linear, without antialias and crop",
  reference: "https://onnx.ai/onnx/operators/onnx__Resize.html",
  operators: ["Resize"],
  differentiable: (input) => input === 0,
  backward(site) {
    refuse(site);
    const { node, emit, input, output } = site;
    const dims = emit.dims(input(0));
    const to = emit.dims(output(0));
    const axes = intsOf(node, "axes")?.map((axis) => (axis < 0 ? axis + dims.length : axis)) ?? [...dims.keys()];
    const scales = constantInput(site, 2, "scales") ?? [];
    return [
      dims.reduce((dy, size, axis) => {
        const scale = scales[axes.indexOf(axis)];
        if (to[axis] === size && (scale === undefined || scale === 1)) return dy;
        return alongAxis(site, dy, { axis, from: size, to: to[axis]!, scale });
      }, site.gradient(0)!),
    ];
  },
});

interface ResizedAxis {
  readonly axis: number;
  readonly from: number;
  readonly to: number;
  /** As stated; undefined where sizes are. */
  readonly scale: number | undefined;
}

function alongAxis(site: GradientSite, dy: string, resized: ResizedAxis): string {
  const { emit } = site;
  const { axis, from, to } = resized;
  const dims = emit.dims(dy);
  const before = elementCount(dims.slice(0, axis));
  const after = elementCount(dims.slice(axis + 1));
  const back = dims.with(axis, from);
  if (repeats(site, resized)) {
    return emit.reshape(emit.reduceSum(emit.reshape(dy, [before, from, to / from, after]), [2]), back);
  }
  // [to, from] from the right for the last axis, [from, to] from the left for others.
  const matrix = emit.cast(weights(site, resized, after === 1), emit.dtype(dy));
  return emit.reshape(
    after === 1
      ? emit.matmul(emit.reshape(dy, [before, to]), matrix)
      : emit.matmul(matrix, emit.reshape(dy, [before, to, after])),
    back,
  );
}

/** Where each position is repeated `to / from` times, whatever the rounding: by mode and rounding, for whole factors. */
const REPEATING: Readonly<Record<string, readonly string[]>> = {
  asymmetric: ["floor"],
  tf_half_pixel_for_nn: ["floor"],
  half_pixel: ["round_prefer_floor", "round_prefer_ceil"],
  pytorch_half_pixel: ["round_prefer_floor", "round_prefer_ceil"],
};

function repeats({ node }: GradientSite, { from, to, scale }: ResizedAxis): boolean {
  if (stringOf(node, "mode", "nearest") !== "nearest" || to % from !== 0) return false;
  const roundings = REPEATING[stringOf(node, "coordinate_transformation_mode", "half_pixel")] ?? [];
  return (scale ?? to / from) === to / from && roundings.includes(stringOf(node, "nearest_mode", "round_prefer_floor"));
}

/** The unit matrix resized along its rows ([to, from]) or columns ([from, to]). */
function weights({ node, emit }: GradientSite, { from, to, scale }: ResizedAxis, rows: boolean): string {
  const empty = emit.expand(emit.number(0), [from, from]);
  const unit = emit.reshape(emit.op("EyeLike", [empty]), [1, 1, from, from]);
  const dims = rows ? [1, 1, to, from] : [1, 1, from, to];
  const factors = scale === undefined ? undefined : [1, 1, ...(rows ? [scale, 1] : [1, scale])];
  const kept = new Map(node.attributes);
  kept.delete("axes");
  return emit.reshape(
    emit.op(
      "Resize",
      factors === undefined ? [unit, "", "", emit.ints(dims)] : [unit, "", emit.store("scales", float32([4], factors))],
      { dims, attributes: Object.fromEntries(kept) },
    ),
    dims.slice(2),
  );
}

function refuse({ node }: GradientSite): void {
  const checks: readonly (readonly [string, string, readonly string[]])[] = [
    ["mode", stringOf(node, "mode", "nearest"), ["nearest", "linear"]],
    ["keep_aspect_ratio_policy", stringOf(node, "keep_aspect_ratio_policy", "stretch"), ["stretch"]],
    ["antialias", String(intOf(node, "antialias", 0)), ["0"]],
  ];
  const coordinates = stringOf(node, "coordinate_transformation_mode", "half_pixel");
  const wrong = checks.find(([, found, expected]) => !expected.includes(found));
  if (wrong === undefined && coordinates !== "tf_crop_and_resize") return;
  const [what, found, expected] = wrong ?? ["coordinate_transformation_mode", coordinates, ["any but this"]];
  throw unsupported("gradient-resize", `${label(node)} (Resize) has a ${what} without a gradient rule.`, {
    node: label(node),
    expected: expected.join(" or "),
    found,
  });
}
