// Which execution provider runs a node, as ONNX Runtime chooses: the first that has a kernel for its version and types.

import type { Node } from "../ir/model.js";
import type { DType } from "../tensor/dtype.js";
import type { NodeView } from "./node-view.js";
import {
  firstVersion,
  KNOWN_DOMAINS,
  kernelsOf,
  type ProviderName,
  type Schema,
  schemaOf,
  takes,
} from "./support/kernels.js";
import type { TargetRuntime } from "./target.js";

export type Placement =
  /** `casts`: only as float32 between casts that the runtime inserts. `unsure`: types that are not known decide. */
  | { readonly at: number; readonly casts: boolean; readonly unsure: readonly string[] }
  /** No provider there runs it. */
  | { readonly at: undefined; readonly code: "operator-unknown" | "opset-older" | "no-kernel"; readonly why: string };

/** Index into the runtime's providers, or why none. Undefined: an operator of a domain that the tables do not know. */
export function place(view: NodeView, runtime: TargetRuntime): Placement | undefined {
  const { node } = view;
  const domain = plainDomain(node);
  // Constants are taken out of the graph before providers are asked, calls are written out.
  if (view.call || (domain === "" && node.opType === "Constant")) return { at: 0, casts: false, unsure: [] };
  if (!KNOWN_DOMAINS.includes(domain)) return undefined;
  const none = (code: "operator-unknown" | "opset-older" | "no-kernel", why: string): Placement => ({
    at: undefined,
    code,
    why,
  });
  if (runtime.lacks?.includes(domain)) return none("no-kernel", `${runtime.name} there has no operators of ${domain}`);
  if (runtime.lacks?.includes(`${domain}:${node.opType}`)) {
    return none("no-kernel", `${runtime.name} has no kernel of ${node.opType}`);
  }
  const schema = schemaOf(domain, node.opType, view.version ?? 1);
  if (schema === undefined) {
    const first = firstVersion(domain, node.opType);
    if (first === undefined) return none("operator-unknown", `${label(domain)} has no operator ${node.opType}`);
    return none("opset-older", `${node.opType} came with opset ${first}, the model states ${view.version ?? "none"}`);
  }
  const types = typesOf(view, schema);
  const asFloat = new Map([...types].map(([name, dtype]) => [name, dtype === "float16" ? "float32" : dtype] as const));
  const halved = [...types.values()].includes("float16");
  const known = (provider: ProviderName, given: Types) => {
    const kernels = kernelsOf(provider, domain, node.opType, schema.since);
    return kernels !== undefined && takes(kernels, given) ? kernels : undefined;
  };
  for (const [at, provider] of runtime.providers.entries()) {
    const last = at === runtime.providers.length - 1;
    const plain = known(provider, types);
    // The CPU provider takes float16 nodes that it has no kernel for as float32, between casts.
    const found = plain ?? (last && halved ? known(provider, asFloat) : undefined);
    if (!found) continue;
    const decided = new Set(found.accepts.flatMap((set) => [...set.keys()]));
    const unsure = [...types].filter(([name, dtype]) => dtype === undefined && decided.has(name)).map(([name]) => name);
    return { at, casts: plain === undefined, unsure };
  }
  const any = runtime.providers.some((provider) => kernelsOf(provider, domain, node.opType, schema.since));
  const given = [...new Set([...types.values()].filter((dtype) => dtype !== undefined))].join(", ");
  return none(
    "no-kernel",
    any
      ? `${runtime.name} has no kernel of ${node.opType} for ${given}`
      : `${runtime.name} has no kernel of ${node.opType} at opset ${view.version ?? "?"}`,
  );
}

export const plainDomain = ({ domain }: Node): string => (domain === "ai.onnx" ? "" : domain);

const label = (domain: string) => (domain === "" ? "ONNX" : domain);

type Types = ReadonlyMap<string, DType | undefined>;

/** What each name of a type stands for at this node. Inputs that are left out, sequences and fixed types say nothing. */
export function typesOf(view: NodeView, schema: Schema): Map<string, DType | undefined> {
  const found = new Map<string, DType | undefined>();
  const bind = (names: readonly string[], values: readonly string[]) => {
    for (const [i, value] of values.entries()) {
      const name = names[Math.min(i, names.length - 1)];
      if (name === undefined || value === "" || /^[=?]/.test(name)) continue;
      if (schema.mixed && i >= names.length - 1) continue;
      const dtype = view.dtype(value);
      if (dtype === "other") continue;
      if (found.get(name) === undefined) found.set(name, dtype);
    }
  };
  bind(schema.inputs, view.node.inputs);
  bind(schema.outputs, view.node.outputs);
  return found;
}
