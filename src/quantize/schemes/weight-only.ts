// Weight-only quantization: packed operators where the target is fast at them, else self-extracting.

import { info, type Note } from "../../base/note.js";
import type { Model } from "../../ir/model.js";
import type { StepContext } from "../../step/step.js";
import { collectWeights, isWeight, matrixUses, type Weight, weightNodes } from "../../weights/weights.js";
import { type DecodingPlace, floatBytes, overheadOf, planExtract } from "../extract/choose.js";
import { extract } from "../extract/extract.js";
import { Fits } from "../fitted/fits.js";
import { isPlain, UNQUANTIZED } from "../formats/index.js";
import { checkHeap } from "../heap.js";
import {
  checkForm,
  explained,
  MICROSOFT,
  mayBeMatMulNBits,
  mayBeNative,
  type NativeChoice,
  planNative,
} from "../native/index.js";
import type { Settings } from "../options.js";
import { prepare, raiseOpset } from "../prepare.js";
import { Edits } from "../rewrite.js";
import { keptNotes, nothingDone, selection } from "../select.js";
import { type Occupancy, occupancyOf, planSparse } from "../sparse/index.js";
import { COMMON, defineScheme, LATER, type Place } from "./scheme.js";

export const weightOnly = defineScheme({
  name: "weight-only",
  summary: "Weights in any number format, packed, round to nearest; activations stay float",
  reference: "https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#commicrosoftmatmulnbits",
  operators: ["MatMul", "Gemm", "Gather", "Conv", "ConvTranspose", "LSTM", "GRU", "RNN", "com.microsoft:Attention"],
  reads: {
    ...COMMON,
    layers: true,
    sparse: true,
    pack: {
      when: ({ format, layers }) => format.computes === true || layers !== undefined,
      needs: "weights float16; all others are packed as brotli takes them best anyway",
    },
    form: true,
    granularity: true,
    symmetric: { when: ({ format }) => format.kind === "integer", needs: "integers" },
    block: {
      when: (settings, target) => inBlocks(settings) || mayBeNative(settings, target),
      needs: "blocks: a format below 8 bits, granularity block, or a native form",
    },
    range: { when: ({ format }) => searches(format), needs: "formats whose scale follows from a range" },
    percentile: { when: ({ range }) => range === "percentile", needs: "range percentile" },
    actOrder: { when: ({ rounding }) => rounding === "gptq", needs: "rounding gptq" },
    damping: { when: ({ rounding }) => rounding === "gptq", needs: "rounding gptq" },
    sequential: {
      when: ({ rounding, range, importance }) =>
        rounding === "gptq" || (range === "importance" && importance === "inputs"),
      needs: "rounding gptq or range importance",
    },
    calibrationSamples: {
      when: ({ rounding, range, importance, layers, repair }) =>
        layers !== undefined ||
        repair?.some((name) => name !== "none") ||
        rounding === "gptq" ||
        (range === "importance" && importance === "inputs"),
      needs: "rounding gptq, range importance or a repair",
    },
    importance: { when: ({ range }) => range === "importance", needs: "range importance" },
    rangeSteps: { when: ({ range }) => range === "mse", needs: "range mse" },
    rounding: { when: ({ format }) => format.bits <= 8, needs: "formats of 8 bits and fewer" },
    seed: { when: ({ rounding }) => rounding === "stochastic", needs: "rounding stochastic" },
    scales: {
      when: ({ format }) => format.fixed === undefined && format.bits <= 8,
      needs: "formats of 8 bits and fewer that do not prescribe the type of their scales",
    },
    entries: { when: ({ format }) => format.kind === "learned", needs: "weights codebook" },
    group: {
      when: ({ format, granularity }) => format.kind === "learned" && granularity === "channel",
      needs: "weights codebook with granularity channel",
    },
    accuracyLevel: { when: mayBeMatMulNBits, needs: "MatMulNBits: form native, or a target that is fast at it" },
  },
  serves: ({ format, activations, sparse }) => (!isPlain(format) || sparse !== "off") && activations === "float",
  foresee(model, settings, target) {
    const { made, kept } = rewritten(model, settings, { target, ...LATER });
    return {
      made: made.flatMap(({ weight, what }) => weightNodes(weight).map((node) => [node, what] as const)),
      kept: kept.flatMap(({ weight, reason }) => matrixUses(weight).map(({ node }) => [node, reason] as const)),
    };
  },
  async apply(given, settings, context) {
    const { model, notes: raised } = raiseOpset(await prepare(given), 7);
    const { plan, notes: again } = planned(model, settings, {
      ...context,
      ...(await sparsity(model, settings, context)),
    });
    const { edits, notes, microsoft, kept, decoded, peak, fits } = plan;
    if (edits.empty) {
      return { model: given, notes: [...keptNotes(kept), nothingDone("weight-only quantization", given)] };
    }
    checkHeap(context.target, decoded, peak);
    const found = fits.empty ? [] : await fits.find(plan.model, settings.calibrationSamples, context);
    const result = edits.apply(microsoft ? { [MICROSOFT]: 1 } : {});
    return { model: result, notes: [...raised, ...again, ...notes, ...found, ...keptNotes(kept)] };
  },
});

const inBlocks = ({ format, granularity }: Settings) =>
  granularity === "block" || (granularity === "auto" && format.granularity === "block" && format.kind !== "learned");

/** Whether the scale follows from a range of values that may be narrowed. */
const searches = ({ scaling, bits, fixed }: Settings["format"]) =>
  (scaling === "signed" || scaling === "affine" || scaling === "absolute") &&
  bits <= 8 &&
  fixed?.scales !== "float8e8m0";

/** The plan at the opset that it needs. */
function planned(model: Model, settings: Settings, context: Surveyed) {
  const first = rewritten(model, settings, context);
  const raised = raiseOpset(model, first.opset);
  const plan = raised.model === model ? first : rewritten(raised.model, settings, context);
  return { plan, notes: raised.notes };
}

function rewritten(model: Model, settings: Settings, surveyed: Surveyed) {
  const fits = new Fits();
  const context = { ...surveyed, fits };
  checkForm(settings);
  const edits = new Edits(model);
  const choice = selection(model, settings);
  const place: DecodingPlace = { opset: model.opsets.get("") ?? 1, target: context.target };
  const kept: { weight: Weight; reason: string }[] = [];
  const notes: Note[] = [];
  const made: { weight: Weight; what: string }[] = [];
  const natives: NativeChoice[] = [];
  let [microsoft, opset, decoded, peak] = [false, 0, 0, 0];
  for (const weight of collectWeights(model)) {
    const own = choice.settingsFor(weight);
    const reason = choice.reasonToKeep(weight) ?? noWeight(weight);
    const done = reason === undefined ? quantizeOne(edits, weight, own, context, place) : { reason };
    if ("native" in done && done.native) natives.push(done.native);
    if (done.what === undefined) {
      kept.push({ weight, reason: done.reason });
      continue;
    }
    notes.push(...done.notes);
    made.push({ weight, what: done.what });
    opset = Math.max(opset, done.opset);
    microsoft ||= done.microsoft;
    if (done.copies === 0) continue;
    decoded += floatBytes(weight);
    peak = Math.max(peak, done.copies * floatBytes(weight));
  }
  const all = [...choice.notes, ...notes, ...explained(natives, context.target)];
  return { edits, notes: all, made, microsoft, opset, kept, decoded, peak, fits, model };
}

interface Done {
  readonly what: string;
  readonly notes: readonly Note[];
  /** What it needs of the model. */
  readonly opset: number;
  readonly microsoft: boolean;
  /** Float copies of it that stand beside it while it is decoded at load; 0: it is not decoded. */
  readonly copies: number;
  readonly native?: NativeChoice;
}

interface Kept {
  readonly what?: undefined;
  readonly reason: string;
  readonly native?: NativeChoice;
}

const noWeight = (weight: Weight) => (isWeight(weight) ? undefined : "no operator that pare knows uses it as a weight");

function quantizeOne(
  edits: Edits,
  weight: Weight,
  settings: Settings,
  context: Surveyed,
  place: DecodingPlace,
): Done | Kept {
  const sparse = settings.sparse === "off" ? undefined : storedSparse(edits, weight, settings, context, place);
  if (sparse && (sparse.what !== undefined || settings.format === UNQUANTIZED)) return sparse;
  const done = dense(edits, weight, settings, context, place);
  if (sparse === undefined || context.occupancy === undefined || done.what === undefined) return done;
  const left = info("sparse-left", `"${weight.name}" is not stored sparse: ${sparse.reason}.`, weight.name);
  return { ...done, notes: [...done.notes, left] };
}

/** Every number of the weight, zero or not. */
function dense(edits: Edits, weight: Weight, settings: Settings, context: Surveyed, place: DecodingPlace): Done | Kept {
  let native: NativeChoice | undefined;
  if (settings.form !== "extract") {
    const plan = planNative(weight, settings, context.target, edits.model);
    if (!("obstacle" in plan)) {
      const { what, notes } = plan.pack(edits, context);
      const { opset, microsoft } = plan;
      return { what, notes, opset, microsoft: microsoft > 0, copies: 0, native: { weight, plan } };
    }
    if (settings.form !== "auto") return { reason: `${plan.obstacle}; form ${settings.form} was asked for` };
    native = { weight, ...(plan.against && { against: plan.against }) };
  }
  const plan = planExtract(weight, settings, place);
  if (plan.bytes + overheadOf(weight) >= floatBytes(weight)) {
    return { reason: "its codes, scales and decoding nodes are no smaller" };
  }
  extract(edits, weight, plan.pack(edits, context));
  const text = `"${weight.name}" is stored as ${plan.text} and decoded once, when the model loads.`;
  return {
    what: plan.format.name,
    notes: [info("quantized-extract", text, weight.name)],
    opset: plan.opset,
    microsoft: false,
    copies: plan.copies,
    ...(native && { native }),
  };
}

/** Where a plan is for, and how many zeros the weights have that may be stored sparse. */
type Surveyed = Place & { readonly occupancy?: ReadonlyMap<Weight["tensor"], Occupancy> };

/** Reads every weight that may be stored sparse, once. */
async function sparsity(model: Model, settings: Settings, context: StepContext): Promise<Omit<Surveyed, keyof Place>> {
  const choice = selection(model, settings);
  const occupancy = new Map<Weight["tensor"], Occupancy>();
  for (const weight of collectWeights(model)) {
    if (choice.settingsFor(weight).sparse === "off" || (choice.reasonToKeep(weight) ?? noWeight(weight))) continue;
    occupancy.set(weight.tensor, await occupancyOf(context, weight));
  }
  return { occupancy };
}

function storedSparse(
  edits: Edits,
  weight: Weight,
  settings: Settings,
  context: Surveyed,
  place: DecodingPlace,
): Done | Kept {
  const occupancy = context.occupancy?.get(weight.tensor);
  if (occupancy === undefined) return { reason: "how many of its numbers are zero is not known before it is read" };
  const plan = planSparse(weight, settings, place, occupancy);
  if ("obstacle" in plan) return { reason: plan.obstacle };
  const unlike = settings.format === UNQUANTIZED || plan.keepsZeros;
  const dense = unlike ? floatBytes(weight) : planExtract(weight, settings, place).bytes;
  // Twice the nodes of a dense weight.
  if (plan.bytes + 2 * overheadOf(weight) >= Math.min(dense + overheadOf(weight), floatBytes(weight))) {
    const zeros = ((100 * (occupancy.elements - occupancy.nonZero)) / occupancy.elements).toPrecision(3);
    return { reason: `${zeros} % of its numbers are zero: stored sparse it would be no smaller` };
  }
  extract(edits, weight, plan.pack(edits, context));
  const { copies, opset } = plan;
  const text = `"${weight.name}" is stored as ${plan.text}${copies > 0 ? ", decoded once, when the model loads" : ""}.`;
  return {
    what: `${plan.format.name}-sparse`,
    notes: [info("stored-sparse", text, weight.name)],
    opset,
    microsoft: false,
    copies,
  };
}
