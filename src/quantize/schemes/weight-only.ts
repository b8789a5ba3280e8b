// Weight-only quantization, round to nearest: packed operators where the target is fast at them, else self-extracting.

import { info, type Note } from "../../base/note.js";
import type { Model, Node } from "../../ir/model.js";
import { DTYPES } from "../../tensor/dtype.js";
import { extract, packBlocks, packLinear } from "../extract.js";
import { formats, isPlain } from "../formats/index.js";
import { checkHeap } from "../heap.js";
import { blockLayout, linearLayout } from "../layout.js";
import {
  checkForm,
  explained,
  MICROSOFT,
  mayBeMatMulNBits,
  mayBeNative,
  type NativeChoice,
  type NativePlan,
  planNative,
  type TargetRow,
} from "../native/index.js";
import type { Settings } from "../options.js";
import { prepare, raiseOpset } from "../prepare.js";
import { Edits } from "../rewrite.js";
import { keptNotes, nothingDone, selection } from "../select.js";
import { collectWeights, isWeight, matrixUses, type Weight, weightNodes } from "../weights.js";
import { COMMON, defineScheme, LATER, type Place } from "./scheme.js";

export const weightOnly = defineScheme({
  name: "weight-only",
  summary: "Weights as 8 or 4-bit integers, round to nearest; activations stay float",
  reference: "https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#commicrosoftmatmulnbits",
  operators: ["MatMul", "Gemm", "Gather", "Conv", "ConvTranspose", "LSTM", "GRU", "RNN", "com.microsoft:Attention"],
  reads: {
    ...COMMON,
    form: true,
    granularity: true,
    symmetric: true,
    block: {
      when: (settings, target) => inBlocks(settings) || mayBeNative(settings, target),
      needs: "blocks: 4-bit weights, granularity block, or a native form",
    },
    accuracyLevel: {
      when: mayBeMatMulNBits,
      needs: "MatMulNBits: form native, or a target that is fast at it",
    },
  },
  serves: ({ format, activations }) => !isPlain(format) && activations === "float",
  foresee(model, settings, target) {
    const { made, kept } = rewritten(model, settings, { target, ...LATER });
    return {
      made: made.flatMap(({ weight, what }) => weightNodes(weight).map((node) => [node, what] as const)),
      kept: kept.flatMap(({ weight, reason }) => matrixUses(weight).map(({ node }) => [node, reason] as const)),
    };
  },
  async apply(given, settings, context) {
    const { model, notes: raised } = raiseOpset(await prepare(given), 7);
    const first = rewritten(model, settings, context);
    const again = raiseOpset(model, first.opset);
    const { edits, notes, microsoft, kept, decoded, largest } =
      again.model === model ? first : rewritten(again.model, settings, context);
    if (edits.empty)
      return { model: given, notes: [...keptNotes(kept), nothingDone("weight-only quantization", given)] };
    checkHeap(context.target, decoded, largest);
    const result = edits.apply(microsoft ? { [MICROSOFT]: 1 } : {});
    return { model: result, notes: [...raised, ...again.notes, ...notes, ...keptNotes(kept)] };
  },
});

function rewritten(model: Model, settings: Settings, context: Place) {
  checkForm(settings);
  const edits = new Edits(model);
  const choice = selection(model, settings);
  const kept: { weight: Weight; reason: string }[] = [];
  const notes: Note[] = [...choice.notes];
  const made: { weight: Weight; what: string }[] = [];
  const choices: NativeChoice[] = [];
  let [microsoft, opset, decoded, largest] = [false, 0, 0, 0];
  for (const weight of collectWeights(model)) {
    const reason = choice.reasonToKeep(weight) ?? noWeight(weight);
    const done = reason === undefined ? quantizeOne(edits, weight, choice.settingsFor(weight), context) : { reason };
    if (done.form === undefined) {
      kept.push({ weight, reason: done.reason });
      continue;
    }
    notes.push(...done.notes);
    made.push({ weight, what: done.what });
    choices.push({ weight, ...(done.plan && { plan: done.plan }), ...(done.row && { row: done.row }) });
    opset = Math.max(opset, done.opset);
    if (done.plan?.microsoft) microsoft = true;
    if (done.form === "extract") {
      decoded += floatBytes(weight);
      largest = Math.max(largest, floatBytes(weight));
    }
  }
  notes.push(...explained(choices, context.target));
  return { edits, notes, made, microsoft, opset, kept, decoded, largest };
}

const inBlocks = ({ format, granularity }: Settings) => granularity === "block" || format.bits === 4;

type Done =
  | { readonly form?: undefined; readonly reason: string }
  | {
      readonly form: "native" | "extract";
      readonly what: string;
      readonly opset: number;
      readonly notes: readonly Note[];
      readonly plan?: NativePlan;
      /** The row of the target that speaks against a native form. */
      readonly row?: TargetRow | undefined;
    };

const noWeight = (weight: Weight) =>
  !isWeight(weight) ? "no operator that pare knows uses it as a weight" : undefined;

const floatBytes = (weight: Weight) => (weight.elements * DTYPES[weight.tensor.dtype].bits) / 8;

function quantizeOne(edits: Edits, weight: Weight, settings: Settings, context: Place): Done {
  const { format, form } = settings;
  const cut = blockLayout(weight, settings);
  const blocks =
    settings.granularity === "channel" || settings.granularity === "tensor" || "obstacle" in cut ? undefined : cut;
  const uncut = "obstacle" in cut ? cut.obstacle : "it has one scale for more than a block";
  let row: TargetRow | undefined;
  if (form !== "extract") {
    const plan = planNative(weight, settings, context.target);
    if (!("obstacle" in plan)) {
      const { what, notes } = plan.pack(edits, context);
      return { form: "native", what, opset: plan.opset, notes, plan };
    }
    if (form !== "auto") return { reason: `${plan.obstacle}; form ${form} was asked for` };
    row = plan.row;
  }
  if (inBlocks(settings) && blocks) {
    const packed = packBlocks(edits, context, weight, blocks);
    if (packed.bytes >= floatBytes(weight)) return { reason: "its codes, scales and padding are no smaller" };
    extract(edits, weight, packed);
    return {
      form: "extract",
      what: format.name,
      row,
      opset: decodingOpset(packed.decode, format.bits),
      notes: [extractNote(weight, `${format.bits}-bit codes in blocks of ${blocks.block}`)],
    };
  }
  // Too narrow for blocks (a depthwise kernel, say): 8 bits with a scale a channel lose less and save enough.
  const eight = format.bits === 4 ? formats.get(format.low < 0 ? "int8" : "uint8") : format;
  const packed = packLinear(edits, context, weight, linearLayout(weight, { ...settings, format: eight }));
  if (packed.bytes + NODE_BYTES >= floatBytes(weight))
    return { reason: "its codes, scales and decoding nodes are no smaller" };
  extract(edits, weight, packed);
  const why = inBlocks(settings) ? `: ${uncut}` : "";
  return {
    form: "extract",
    what: eight.name,
    row,
    opset: 0,
    notes: [extractNote(weight, `${eight.name} codes${why}`)],
  };
}

/** uint4 tensors, and the Cast from them, came with opset 21; Slice took its bounds as inputs from opset 10. */
const decodingOpset = (decode: readonly Node[], bits: number) =>
  bits === 4 ? 21 : decode.some(({ opType }) => opType === "Slice") ? 10 : 0;

/** What the nodes and names of a decoded weight take in the file, about. */
const NODE_BYTES = 300;

const extractNote = (weight: Weight, what: string): Note =>
  info(
    "quantized-extract",
    `"${weight.name}" is stored as ${what} and decoded once, when the model loads.`,
    weight.name,
  );
