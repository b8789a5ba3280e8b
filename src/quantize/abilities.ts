// What pare can do with each node, for a target: what the schemes foresee, without reading a weight.

import { label, type Model, type Node } from "../ir/model.js";
import { everyNode } from "../ir/traverse.js";
import { weightsOf } from "../ops/index.js";
import type { Target } from "../targets/target.js";
import { prepare } from "./prepare.js";
import { quantizeOptions } from "./schema.js";
import { chooseScheme } from "./schemes/index.js";

export interface Ability {
  /** The node's label. */
  readonly node: string;
  /** Forms that change it: "float16", "float16-stored", "int8", "int4", "int8-dynamic", "int4-native" ... */
  readonly can: readonly string[];
  /** Why nothing, or nothing but float16 arithmetic. */
  readonly why?: string;
}

/** What is tried: options of the quantize step, everything else as it is by default. */
const FORMS: readonly { readonly options: object; readonly where?: (target: Target) => boolean }[] = [
  { options: { weights: "float16" } },
  { options: { weights: "float16", compute: "stored" } },
  { options: { weights: "int8", form: "extract" } },
  { options: { weights: "int4", form: "extract" } },
  { options: { weights: "int8", activations: "dynamic" }, where: ({ fast }) => fast.dynamicInt8 },
  // Packed where the target is fast at it, else what the forms before have said.
  { options: { weights: "int4" } },
  { options: { weights: "int8" } },
];

/** One entry for each node of the model, subgraphs included, in order. */
export async function abilities(model: Model, target: Target): Promise<readonly Ability[]> {
  const prepared = await prepare(model);
  const can = new Map<Node, Set<string>>();
  const why = new Map<Node, string>();
  for (const { options, where } of FORMS) {
    if (where?.(target) === false) continue;
    const { scheme, settings } = chooseScheme(quantizeOptions.parse(options), target);
    const { made, kept } = scheme.foresee(prepared, settings, target);
    for (const [node, form] of made) can.set(node, (can.get(node) ?? new Set()).add(form));
    // Reasons of weights come after those of operators, and say more.
    for (const [node, reason] of kept) why.set(node, reason);
  }
  return paired(model, prepared).map(([node, twin]): Ability => {
    if (twin === undefined) return { node: label(node), can: [], why: "it is a constant, and goes with what uses it" };
    const forms = [...(can.get(twin) ?? [])];
    if (forms.some((form) => form !== "float16")) return { node: label(node), can: forms };
    const none = weightsOf(node).length > 0 ? "its weights are computed, not constant" : "it has no weights";
    return { node: label(node), can: forms, why: why.get(twin) ?? none };
  });
}

/** Each node with what it is after `prepare`, which takes float Constant nodes away and keeps the order of the others. */
function paired(model: Model, prepared: Model): (readonly [Node, Node | undefined])[] {
  const left = [...everyNode(prepared)];
  let at = 0;
  return [...everyNode(model)].map((node) => {
    const twin = left[at];
    const same = twin === node || (twin?.opType === node.opType && twin.outputs[0] === node.outputs[0]);
    if (same) at++;
    return [node, same ? twin : undefined] as const;
  });
}
