// Says what ONNX Runtime makes of a result: which clusters became integer operators, and which did not, with the reason.

import { PareError } from "../../base/errors.js";
import { info, type Note, warning } from "../../base/note.js";
import { SESSION_FACTOR, weightBytes } from "../../engine/weight-bytes.js";
import type { Model } from "../../ir/model.js";
import type { StepContext } from "../../step/step.js";
import { fusedReport } from "./fused.js";
import type { StaticPlan } from "./plan.js";

/** Nodes of one reason that are named; the others are counted. */
const NAMED = 5;

/** Loads the result once. Nothing is said where the runtime writes no optimised graph, or it would not fit the memory. */
export async function fusedNotes(
  result: Model,
  plan: Pick<StaticPlan, "clusters">,
  context: StepContext,
): Promise<readonly Note[]> {
  if (weightBytes(result.graph) * SESSION_FACTOR > (context.memory ?? Number.POSITIVE_INFINITY)) return [];
  try {
    const report = await fusedReport(result, plan, context);
    if (report === undefined) return [];
    const { fused, unfused, conversions } = report;
    const { name, version } = await context.runtime();
    const text = `${name} ${version} fuses ${fused.length} of ${plan.clusters.length} nodes, and converts ${conversions.quantize + conversions.dequantize} times between float and integers.`;
    const byReason = new Map<string, string[]>();
    for (const { node, reason } of unfused) byReason.set(reason, [...(byReason.get(reason) ?? []), node]);
    return [
      info("fused", text),
      ...[...byReason].map(([reason, nodes]) => {
        const more = nodes.length > NAMED ? ` and ${nodes.length - NAMED} more` : "";
        return warning("not-fused", `Not fused: ${nodes.slice(0, NAMED).join(", ")}${more}: ${reason}.`, nodes[0]);
      }),
    ];
  } catch (error) {
    if (!(error instanceof PareError)) throw error;
    return [info("fused-unknown", `What the runtime fuses is not known: ${error.message}`)];
  }
}
