// The error of a training whose loss or gradients are not finite: it names the first node that is to blame.

import { describeError, failed, type PareError } from "../base/errors.js";
import { UNFUSED } from "../engine/runtime.js";
import type { EngineServices } from "../engine/session.js";
import type { Feeds } from "../tensor/value.js";
import { findNan, type NanOrigin } from "./find-nan.js";
import type { StepGraph } from "./step.js";

export interface Failure {
  /** Number of the update, 1 for the first. */
  readonly update: number;
  /** How often in a row. */
  readonly overflows: number;
  readonly lossScale: number | undefined;
}

/** `trace`: what the step was fed; undefined: the node is not looked for. */
export async function notFinite(
  step: StepGraph,
  trace: (() => Promise<Feeds>) | undefined,
  services: EngineServices,
  { update, overflows, lossScale }: Failure,
): Promise<PareError> {
  const scaled =
    lossScale === undefined ? "" : `, ${overflows} times in a row, the last time with a loss scale of ${lossScale}`;
  const message = `The loss or a gradient was NaN or infinite in step ${update}${scaled}. Nothing of that step was kept.`;
  if (trace === undefined) return failed("training-nan", message, { hint: HINT });
  let origin: NanOrigin | undefined;
  try {
    origin = await findNan(step, await trace(), services, { config: UNFUSED });
  } catch (error) {
    return failed("training-nan", message, { hint: `${HINT} Its origin was not found: ${describeError(error)}` });
  }
  if (origin === undefined) {
    return failed("training-nan", message, { hint: `${HINT} Run apart, every node gave finite numbers.` });
  }
  const { node, operator, what, count, of, where } = origin;
  return failed("training-nan", message, {
    node: operator === undefined ? node : `${node} (${operator})`,
    found: `${what} in ${count} of its ${of} numbers, first in the ${where}`,
    hint: where === "input" ? "Look at the data, or at the weights that training began with." : HINT,
  });
}

const HINT = "Take a smaller learning rate, or --clip 1.";
