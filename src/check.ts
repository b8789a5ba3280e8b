// check: which nodes of a model a target runs, which fall back, run slowly or do not run, and what to change. Nothing is
// run and no weight is read: the kernels that runtimes have stand in targets/support, what is slow in targets/traps.

import type { Context } from "./base/context.js";
import { label, type Model } from "./ir/model.js";
import { load } from "./load.js";
import type { CheckedNode, CheckFinding, CheckResult, CheckVerdict } from "./metrics/checked.js";
import { modelFindings } from "./model-findings.js";
import { nodeViews } from "./node-views.js";
import { operatorKey } from "./ops/operator.js";
import { copiesOf } from "./targets/copies.js";
import { targets } from "./targets/index.js";
import type { NodeView } from "./targets/node-view.js";
import { type Placement, place, plainDomain } from "./targets/place.js";
import { PROVIDERS, type ProviderName, sourceOf } from "./targets/support/kernels.js";
import type { Target, TargetRuntime } from "./targets/target.js";
import { traps } from "./targets/traps/index.js";

export type { CheckResult } from "./metrics/checked.js";

export interface CheckOptions extends Context {
  /** Where the model will run: a name of `targets`; default "any". */
  readonly target?: string | undefined;
}

/** Throws PareError when the model cannot be loaded or the target is not one. */
export async function check(input: Model | string, options: CheckOptions = {}): Promise<CheckResult> {
  const target = targets.get(options.target ?? "any");
  const model = typeof input === "string" ? await load(input, options) : input;
  const views = nodeViews(model);
  const byRuntime = target.runtimes.map((runtime) => ({
    runtime,
    placed: new Map(views.map((view) => [view, place(view, runtime)] as const)),
  }));
  const nodes = views.map((view): CheckedNode => {
    const findings = byRuntime.flatMap(({ runtime, placed }) => findingsOf(view, target, runtime, placed));
    findings.push(...otherBuilds(view, target, worst(findings)));
    const told = findings.filter(
      (one, i) => findings.findIndex((other) => other.code === one.code && other.reason === one.reason) === i,
    );
    return {
      node: label(view.node),
      operator: operatorKey(view.node),
      where: view.where,
      verdict: worst(told),
      providers: Object.fromEntries(
        byRuntime.map(({ runtime, placed }) => [runtime.name, providerOf(placed.get(view), runtime) ?? null]),
      ),
      findings: told,
    };
  });
  const whole = modelFindings(
    model,
    target,
    nodes.some(({ verdict }) => verdict === "falls-back"),
  );
  return {
    path: model.origin?.name ?? "model",
    target: target.name,
    runs: worst(whole) !== "will-not-run" && nodes.every(({ verdict }) => verdict !== "will-not-run"),
    counts: counted(nodes),
    model: whole,
    nodes,
    sources: Object.fromEntries(
      target.runtimes.flatMap(({ providers }) => providers).map((provider) => [provider, sourceOf(provider)]),
    ),
  };
}

type Placed = ReadonlyMap<NodeView, Placement | undefined>;

function findingsOf(view: NodeView, target: Target, runtime: TargetRuntime, placed: Placed): CheckFinding[] {
  const placement = placed.get(view);
  if (placement === undefined) return [unknownDomain(view)];
  if (placement.at === undefined) return [missing(placement, view, target)];
  const found: CheckFinding[] = [];
  if (placement.unsure.length > 0) {
    found.push({
      code: "type-unknown",
      verdict: "unknown",
      reason: `type unknown: ${placement.unsure.join(", ")} of ${view.node.opType} is neither stated nor inferred, and its kernels do not take every type`,
      change: "state the types of inner values (onnx.shape_inference), then check again",
    });
  }
  const provider = runtime.providers[placement.at]!;
  if (placement.at > 0 && !folded(view)) {
    const copies = copiesOf(view, (other) => providerIndex(placed.get(other)));
    if (copies.in + copies.out > 0) found.push(fallBack(view, runtime, provider, copies, target));
  }
  for (const trap of traps.list) {
    if (trap.operators && !trap.operators.includes(operatorKey(view.node))) continue;
    const caught = trap.find({ view, target, provider, casts: placement.casts });
    if (caught) found.push({ code: trap.name, verdict: "slow", ...caught });
  }
  return found;
}

/** Operators that the runtime computes at every run, also of constants. */
const NEVER_FOLDED = /^(De|Dynamic)?[Qq]uantizeLinear$|^Random|^Bernoulli$|^Multinomial$/;
const known = new WeakMap<NodeView, boolean>();

/** Nodes of constants alone are computed once, when the model is loaded: nothing is copied at a run. */
function folded(view: NodeView): boolean {
  const before = known.get(view);
  if (before !== undefined) return before;
  const { node } = view;
  const made =
    plainDomain(node) === "" &&
    node.inputs.length > 0 &&
    !view.call &&
    !NEVER_FOLDED.test(node.opType) &&
    node.inputs.every((name) => {
      if (name === "" || view.constant(name) !== undefined) return true;
      const maker = view.producer(name);
      return maker !== undefined && folded(maker);
    });
  known.set(view, made);
  return made;
}

/** Of a node that runs there: that a build of the runtime which may be loaded instead does not run it. */
function otherBuilds(view: NodeView, target: Target, verdict: CheckVerdict): CheckFinding[] {
  if (verdict === "will-not-run") return [];
  return (target.builds ?? []).flatMap((build): CheckFinding[] => {
    const placement = place(view, build);
    if (placement?.at !== undefined || placement?.code !== "no-kernel") return [];
    return [
      {
        code: "not-in-every-build",
        verdict: "runs",
        reason: `${placement.why}: there the session fails, also where only WebAssembly is asked for`,
        change:
          "import onnxruntime-web/wasm, or write a model for both builds: pare quantize <float model> --form extract --target webgpu",
      },
    ];
  });
}

const providerIndex = (placement: Placement | undefined): number | undefined => placement?.at;

const providerOf = (placement: Placement | undefined, runtime: TargetRuntime): ProviderName | undefined =>
  placement?.at === undefined ? undefined : runtime.providers[placement.at];

function fallBack(
  view: NodeView,
  runtime: TargetRuntime,
  provider: ProviderName,
  copies: { readonly in: number; readonly out: number },
  target: Target,
): CheckFinding {
  const quantized = /^(DynamicQuantizeLinear|MatMulInteger|ConvInteger|Q[A-Z].*|QuantizeLinear)$/.test(
    view.node.opType,
  );
  return {
    code: "falls-back",
    verdict: "falls-back",
    reason: `${PROVIDERS[runtime.providers[0]]} has no kernel of ${view.node.opType} for it: ${PROVIDERS[provider]} runs it, and ${crossing(copies)} at every run`,
    change: quantized
      ? `start from the float model: pare quantize <float model> --weights int8 --target ${target.name}`
      : "another opset or element type may have a kernel; else it costs these copies",
  };
}

function crossing(copies: { readonly in: number; readonly out: number }): string {
  const values = (count: number) => `${count} ${count === 1 ? "value" : "values"}`;
  const ways = [
    ...(copies.in > 0 ? [`${values(copies.in)} from the GPU`] : []),
    ...(copies.out > 0 ? [`${values(copies.out)} to it`] : []),
  ];
  return `copies ${ways.join(" and ")}`;
}

function missing(placement: Extract<Placement, { at: undefined }>, view: NodeView, target: Target): CheckFinding {
  const changes = {
    "opset-older": `raise the opset: pare compress <model> --recipe '[{"method":"upgrade","opset":${Math.min(25, target.opset)}}]'`,
    "operator-unknown": "the name is misspelt, or the operator needs a newer runtime or a library of its own",
    "no-kernel":
      view.node.opType === "DequantizeLinear" || view.node.opType === "QuantizeLinear"
        ? `start from the float model: pare quantize <float model> --form extract --target ${target.name}`
        : "use another element type (Cast to float32 before and back after), or export without this operator",
  };
  return { code: placement.code, verdict: "will-not-run", reason: placement.why, change: changes[placement.code] };
}

const unknownDomain = (view: NodeView): CheckFinding => ({
  code: "domain-unknown",
  verdict: "unknown",
  reason: `not known: ${view.node.opType} is of domain ${plainDomain(view.node)}, which is not ONNX Runtime's`,
  change: "it runs where a library with its kernels is registered; onnxruntime-web takes none",
});

const ORDER: readonly CheckVerdict[] = ["runs", "slow", "falls-back", "unknown", "will-not-run"];

const worst = (findings: readonly CheckFinding[]): CheckVerdict =>
  ORDER[Math.max(0, ...findings.map(({ verdict }) => ORDER.indexOf(verdict)))]!;

function counted(nodes: readonly CheckedNode[]): Record<CheckVerdict, number> {
  const counts = { runs: 0, slow: 0, "falls-back": 0, unknown: 0, "will-not-run": 0 };
  for (const { verdict } of nodes) counts[verdict]++;
  return counts;
}
