// Operators that were renamed, or whose parameters came to mean something else.

import { int, intOf, string, stringOf } from "../../ir/attributes.js";
import { makeNode } from "../../ir/build.js";
import type { Node } from "../../ir/model.js";
import { list, type Rule, refuse, requireGiven, type Site, scalar, withAttributes, withInput } from "./rule.js";

export const otherForms: readonly Rule[] = [
  {
    operators: ["BatchNormalization"],
    at: 9,
    apply(node) {
      requireGiven(node, 9, "spatial");
      if (intOf(node, "spatial", 1) !== 1) throw refuse(node, 9, "spatial = 0 has no newer form");
      return withAttributes(node, { spatial: undefined });
    },
  },
  {
    operators: ["Scan"],
    at: 9,
    apply(node) {
      throw refuse(node, 9, "the batch dimension of Scan before opset 9 has no newer form");
    },
  },
  {
    operators: ["Upsample"],
    at: 9,
    apply(node, site) {
      requireGiven(node, 9, "scales");
      const scales = node.attributes.get("scales");
      if (scales?.type !== "floats") throw refuse(node, 9, 'it has no "scales"');
      const input = site.constant({ dtype: "float32", dims: [scales.value.length], values: scales.value }, "scales");
      return withInput(withAttributes(node, { scales: undefined }), 1, input);
    },
  },
  // Further on its scales are at least 1, which the rule for Resize cannot see: it goes straight to the form of opset 11.
  {
    operators: ["Upsample"],
    at: 10,
    apply: (node, site) => (site.target >= 11 ? node : { ...node, opType: "Resize" }),
  },
  { operators: ["Upsample"], at: 11, apply: (node, site) => asymmetric({ ...node, opType: "Resize" }, site, "floor") },
  {
    operators: ["Dropout"],
    at: 10,
    apply(node, site) {
      const mask = node.outputs[1] ?? "";
      if (mask === "") return node;
      if (site.isUsed(mask)) throw refuse(node, 10, "its mask is used, whose type changed");
      return { ...node, outputs: [node.outputs[0]!] };
    },
  },
  { operators: ["Resize"], at: 11, apply: resize },
  { operators: ["Scatter"], at: 11, apply: (node) => ({ ...node, opType: "ScatterElements" }) },
  {
    operators: ["Resize"],
    at: 13,
    apply(node, site) {
      // Opset 11 wanted an empty tensor for scales where sizes are given; now just one of the two may be there.
      const [scales, sizes] = [node.inputs[2] ?? "", node.inputs[3] ?? ""];
      if (sizes === "" || scales === "") return node;
      if (site.initializer(scales)?.dims[0] !== 0) throw refuse(node, 13, "both scales and sizes are given");
      return withInput(node, 2, "");
    },
  },
  { operators: ["Softmax", "LogSoftmax", "Hardmax"], at: 13, apply: softmax },
  {
    operators: ["BatchNormalization"],
    at: 14,
    apply(node, site) {
      if (node.outputs.slice(1).some((name) => name !== "" && site.isUsed(name))) {
        throw refuse(node, 14, "it is in training mode, whose outputs changed");
      }
      return node.outputs.length === 1 ? node : { ...node, outputs: [node.outputs[0]!] };
    },
  },
  {
    operators: ["RoiAlign"],
    at: 16,
    apply: (node) => withAttributes(node, { coordinate_transformation_mode: string("output_half_pixel") }),
  },
  {
    operators: ["GridSample"],
    at: 20,
    apply(node) {
      requireGiven(node, 20, "mode");
      const mode = stringOf(node, "mode", "bilinear");
      return withAttributes(node, {
        mode: string(mode === "bilinear" ? "linear" : mode === "bicubic" ? "cubic" : mode),
      });
    },
  },
  { operators: ["GroupNormalization"], at: 21, apply: groupNormalization },
];

/** Opset 10 sampled at x_out / scale; the default is another now. */
function asymmetric(node: Node, site: Site, nearest: "floor" | "ceil"): Node {
  // Before opset 13 it may not be left out.
  const roi = site.constant({ dtype: "float32", dims: [0], values: [] }, "roi");
  const attributes = {
    coordinate_transformation_mode: string("asymmetric"),
    ...(stringOf(node, "mode", "nearest") === "nearest" ? { nearest_mode: string(nearest) } : {}),
  };
  return { ...withAttributes(node, attributes), inputs: [node.inputs[0]!, roi, node.inputs[1]!] };
}

/**
 * "nearest" rounded down where an axis grows and up where it shrinks (the specification said nothing, ONNX Runtime does).
 * Axes are independent of each other, so one Resize that only grows and one that only shrinks do the same.
 */
function resize(node: Node, site: Site): Node | readonly Node[] {
  requireGiven(node, 11, "mode");
  if (stringOf(node, "mode", "nearest") !== "nearest") return asymmetric(node, site, "floor");
  const [x, scales] = node.inputs as readonly [string, string];
  const y = node.outputs[0]!;
  const one = site.constant(scalar("float32", 1), "one");
  const [up, down, grown] = ["up", "down", "grown"].map((part) => site.unique(`${y}_${part}`)) as [
    string,
    string,
    string,
  ];
  return [
    makeNode("Max", [scales, one], [up]),
    asymmetric({ ...node, inputs: [x, up], outputs: [grown] }, site, "floor"),
    makeNode("Min", [scales, one], [down]),
    asymmetric({ ...node, inputs: [grown, down] }, site, "ceil"),
  ];
}

/**
 * Before opset 13 the axes from `axis` on were taken together; now `axis` is one axis. The same where it is the last one;
 * else the data becomes a matrix and its old shape again afterwards.
 */
function softmax(node: Node, site: Site): Node | readonly Node[] {
  requireGiven(node, 13, "axis");
  const axis = intOf(node, "axis", 1);
  const [x, y] = [node.inputs[0]!, node.outputs[0]!];
  const { rank } = site.fact(x);
  if (axis === -1 || (rank !== undefined && (axis === rank - 1 || axis + rank === rank - 1))) {
    return withAttributes(node, { axis: int(-1) });
  }
  const [flat, result, shape] = [site.unique(`${y}_flat`), site.unique(`${y}_rows`), site.unique(`${y}_shape`)];
  const name = (part: string) => ({ name: node.name === "" ? "" : `${node.name}/${part}` });
  return [
    makeNode("Flatten", [x], [flat], { ...name("flatten"), attributes: { axis } }),
    { ...withAttributes(node, { axis: int(-1) }), inputs: [flat], outputs: [result] },
    makeNode("Shape", [x], [shape], name("shape")),
    // A dimension of length 0 is meant, not "as in the input".
    makeNode("Reshape", [result, shape], [y], {
      ...name("reshape"),
      attributes: site.target >= 14 ? { allowzero: 1 } : {},
    }),
  ];
}

/** Scale and bias were one number for each group, and are one for each channel. */
function groupNormalization(node: Node, site: Site): readonly Node[] {
  requireGiven(node, 21, "num_groups");
  const groups = intOf(node, "num_groups", 0);
  if (groups <= 0) throw refuse(node, 21, 'it has no "num_groups"');
  const [x, scale, bias] = node.inputs as readonly [string, string, string];
  const y = node.outputs[0]!;
  const count = site.constant(list([groups]), "groups");
  const one = site.constant(list([1]), "axes");
  const flat = site.constant(list([-1]), "flat");
  const [channels, each, target] = [site.unique(`${y}_channels`), site.unique(`${y}_each`), site.unique(`${y}_target`)];
  const spread = (from: string, part: string) => {
    const [column, wide, out] = ["column", "wide", "channel"].map((step) => site.unique(`${y}_${part}_${step}`)) as [
      string,
      string,
      string,
    ];
    const nodes = [
      makeNode("Unsqueeze", [from, one], [column]),
      makeNode("Expand", [column, target], [wide]),
      makeNode("Reshape", [wide, flat], [out]),
    ];
    return { nodes, out };
  };
  const [wideScale, wideBias] = [spread(scale, "scale"), spread(bias, "bias")];
  return [
    makeNode("Shape", [x], [channels], { attributes: { start: 1, end: 2 } }),
    makeNode("Div", [channels, count], [each]),
    makeNode("Concat", [count, each], [target], { attributes: { axis: 0 } }),
    ...wideScale.nodes,
    ...wideBias.nodes,
    { ...node, inputs: [x, wideScale.out, wideBias.out] },
  ];
}
