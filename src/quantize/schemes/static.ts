// Static: weights and activations as integers, ranges calibrated on data, written where the runtime fuses what it reads.

import type { Note } from "../../base/note.js";
import { type ActivationType, isStatic } from "../options.js";
import { nothingDone } from "../select.js";
import { fusedNotes } from "../static/fused-notes.js";
import { gridsOfPlan } from "../static/grids-of-plan.js";
import { staticNotes } from "../static/notes.js";
import { planStatic } from "../static/plan.js";
import { prepareStatic } from "../static/prepare.js";
import { rangesOfPlan } from "../static/ranges-of-plan.js";
import { weightsOfPlan } from "../static/weights-of-plan.js";
import { writeQdq } from "../static/write-qdq.js";
import { writeQOperator } from "../static/write-qoperator.js";
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
    activationRange: true,
    activationPercentile: {
      when: ({ activationRange }) => activationRange === "percentile",
      needs: "activationRange percentile",
    },
    sigmas: { when: ({ activationRange }) => activationRange === "mean-sigma", needs: "activationRange mean-sigma" },
    momentum: {
      when: ({ activationRange }) => activationRange === "moving-average",
      needs: "activationRange moving-average",
    },
    calibrationSamples: true,
    reduceRange: { when: ({ format }) => format.low < 0, needs: "weights int8" },
    range: {
      when: ({ range }) => range === "absmax" || range === "mse" || range === "percentile",
      needs: "absmax, mse or percentile, of the weights",
    },
    percentile: { when: ({ range }) => range === "percentile", needs: "range percentile" },
    rangeSteps: { when: ({ range }) => range === "mse", needs: "range mse" },
  },
  serves: ({ format, activations }) => format.kind === "integer" && isStatic(activations),
  // Tables, recurrent layers and whatever else no integer kernel reads: as small in the file, float once it is loaded.
  rest: ({ stated: { weights, minimum, keep, only, layers } }) => ({
    weights,
    minimum,
    activations: "float",
    form: "extract",
    keep,
    only,
    layers,
  }),
  foresee(model, settings, target) {
    const plan = planStatic(model, settings, target);
    const form = `int8-static`;
    return {
      made: plan.clusters.map(({ node }) => [node, form] as const),
      kept: plan.kept.map(({ node, reason }) => [node, reason] as const),
    };
  },
  async apply(given, settings, context) {
    const { model, notes: raised } = await prepareStatic(given, settings);
    const { plan, values, notes: found } = await rangesOfPlan(model, settings, context);
    if (plan.clusters.length === 0) {
      const kept = staticNotes(plan, settings, context);
      return { model: given, notes: [...found, ...kept, nothingDone("static quantization", given)] };
    }
    const grids = gridsOfPlan(plan, { values }, settings.activations as ActivationType);
    const weights = await weightsOfPlan(plan, grids, settings, context);
    const notes: Note[] = [...raised, ...found, ...staticNotes(plan, settings, context, weights)];
    const write = settings.form === "qoperator" ? writeQOperator : writeQdq;
    const result = write(plan, grids, weights);
    // Pairs of 16 bits are fused nowhere, and integer operators need not be.
    const fuses = settings.form !== "qoperator" && !settings.activations.endsWith("16");
    return { model: result, notes: fuses ? [...notes, ...(await fusedNotes(result, plan, context))] : notes };
  },
});
