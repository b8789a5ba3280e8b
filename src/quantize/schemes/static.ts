// Static: weights and activations as integers, ranges calibrated on data, written where the runtime fuses what it reads.

import type { Note } from "../../base/note.js";
import type { Model } from "../../ir/model.js";
import { type ActivationType, isStatic, type Settings } from "../options.js";
import { prepare, raiseOpset } from "../prepare.js";
import { nothingDone } from "../select.js";
import { calibrate } from "../static/extremes.js";
import { calibratedValues, gridsOfPlan } from "../static/grids-of-plan.js";
import { staticNotes } from "../static/notes.js";
import { planStatic } from "../static/plan.js";
import { weightsOfPlan } from "../static/weights-of-plan.js";
import { writeQdq } from "../static/write-qdq.js";
import { COMMON, defineScheme } from "./scheme.js";

export const staticScheme = defineScheme({
  name: "static",
  summary: "8-bit weights and activations with calibrated ranges: integers flow from operator to operator",
  reference: "https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html#static-quantization",
  operators: ["Conv", "Gemm", "MatMul"],
  reads: {
    ...COMMON,
    layers: true,
    form: true,
    granularity: true,
    reduceRange: { when: ({ format }) => format.low < 0, needs: "weights int8" },
    range: {
      when: ({ range }) => range === "absmax" || range === "mse" || range === "percentile",
      needs: "absmax, mse or percentile, of the weights",
    },
    percentile: { when: ({ range }) => range === "percentile", needs: "range percentile" },
    rangeSteps: { when: ({ range }) => range === "mse", needs: "range mse" },
  },
  serves: ({ format, activations }) => format.kind === "integer" && isStatic(activations),
  foresee(model, settings, target) {
    const plan = planStatic(model, settings, target);
    const form = `int8-static`;
    return {
      made: plan.clusters.map(({ node }) => [node, form] as const),
      kept: plan.kept.map(({ node, reason }) => [node, reason] as const),
    };
  },
  async apply(given, settings, context) {
    const { model, notes: raised } = await prepared(given, settings);
    const plan = planStatic(model, settings, context.target);
    if (plan.clusters.length === 0) {
      return {
        model: given,
        notes: [...staticNotes(plan, settings, context), nothingDone("static quantization", given)],
      };
    }
    const dtype = settings.activations as ActivationType;
    const calibration = await calibrate(model, calibratedValues(plan), settings, context);
    const grids = gridsOfPlan(plan, calibration, dtype);
    const weights = await weightsOfPlan(plan, grids, settings, context);
    const notes: Note[] = [...raised, ...calibration.notes, ...staticNotes(plan, settings, context, weights)];
    return { model: writeQdq(plan, grids, weights), notes };
  },
});

/** Scales of channels came with opset 13, 16-bit codes with 21. */
async function prepared(given: Model, settings: Settings) {
  return raiseOpset(await prepare(given), settings.activations.endsWith("16") ? 21 : 13);
}
