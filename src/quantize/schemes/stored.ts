// float16 or bfloat16 in the file, float32 at run time: every large float constant behind a Cast, which the runtime folds at
// load.

import { info, type Note, warning } from "../../base/note.js";
import type { Node } from "../../ir/model.js";
import { collectWeights, matrixUses, type Weight } from "../../weights/weights.js";
import { extract } from "../extract/extract.js";
import { packHalf } from "../extract/linear.js";
import { isPlain } from "../formats/index.js";
import { outsideHalf } from "../half/ranges.js";
import { COPIES, checkHeap } from "../heap.js";
import { inPlanes, packHalfPlanes } from "../packings/halves.js";
import { prepare, raiseOpset } from "../prepare.js";
import { Edits } from "../rewrite.js";
import { keptNotes, nothingDone, type Selection, selection } from "../select.js";
import { COMMON, defineScheme } from "./scheme.js";

export const stored = defineScheme({
  name: "stored",
  summary: "Weights stored in 16-bit floats and decoded when the model loads; the graph computes in float32 as before",
  operators: ["*"],
  reads: {
    ...COMMON,
    pack: { when: ({ format }) => format.computes === true, needs: "weights float16; bfloat16 is always packed so" },
    compute: { when: ({ format }) => format.computes === true, needs: "weights float16" },
  },
  serves: ({ format, compute, sparse }) =>
    sparse === "off" && isPlain(format) && !(format.computes && compute === "compute"),
  foresee(model, settings) {
    const choice = selection(model, settings);
    const plan = collectWeights(model).map((weight) => [weight, reasonToKeep(choice, weight)] as const);
    return {
      made: plan.flatMap(([weight, reason]) =>
        reason === undefined
          ? consumersOf(weight).map((node) => [node, `${settings.format.name}-stored`] as const)
          : [],
      ),
      kept: plan.flatMap(([weight, reason]) =>
        reason === undefined ? [] : matrixUses(weight).map(({ node }) => [node, reason] as const),
      ),
    };
  },
  async apply(given, settings, context) {
    const dtype = settings.format.dtype === "bfloat16" ? "bfloat16" : "float16";
    const planes = dtype === "bfloat16" || settings.pack === "brotli";
    const { model, notes: raised } = raiseOpset(await prepare(given), 7);
    const edits = new Edits(model);
    const choice = selection(model, settings);
    const kept: { weight: Weight; reason: string }[] = [];
    const notes: Note[] = [];
    let count = 0;
    let decoded = 0;
    let largest = 0;
    for (const weight of collectWeights(model)) {
      const reason = reasonToKeep(choice, weight);
      if (reason !== undefined) {
        kept.push({ weight, reason });
        continue;
      }
      // All are read before one is written: a mask of -3.4e38 among them must not fail the rest.
      const outside = dtype === "float16" ? await outsideHalf(weight, context) : undefined;
      if (outside !== undefined) {
        notes.push(warning("value-out-of-range", `"${weight.name}" stays float32: ${outside}.`, weight.name));
        continue;
      }
      extract(
        edits,
        weight,
        inPlanes(dtype, settings.pack, weight)
          ? packHalfPlanes(edits, context, weight, dtype)
          : packHalf(edits, context, weight),
      );
      count++;
      decoded += weight.elements * 4;
      largest = Math.max(largest, weight.elements * 4);
    }
    if (count === 0)
      return { model: given, notes: [...notes, ...keptNotes(kept), nothingDone("float16 storage", given)] };
    checkHeap(context.target, decoded, COPIES[planes ? "planes" : "cast"] * largest);
    const note = info(
      `stored-${dtype}`,
      `${count === 1 ? "1 weight is" : `${count} weights are`} stored as ${dtype}${planes ? " in two planes of bytes" : ""}; float32 again once the model is loaded.`,
    );
    return { model: edits.apply(), notes: [...raised, note, ...notes, ...keptNotes(kept)] };
  },
});

const reasonToKeep = (choice: Selection, weight: Weight): string | undefined =>
  choice.reasonToKeep(weight) ?? (weight.tensor.dtype === "float16" ? "it is float16 already" : undefined);

const consumersOf = (weight: Weight): readonly Node[] => weight.consumers.flatMap(({ node }) => node ?? []);
