// Zeros anywhere: what is left of the accuracy at 50 to 95% of them, after fine-tuning.

import { gzipSync } from "node:zlib";
import { compress, load, prune } from "../../src/index.js";
import { toBytes } from "../../src/onnx/encode.js";
import type { Cell, Conditions } from "./cell.js";
import { right } from "./right.js";
import { type Subject, subjects } from "./subjects.js";

export interface UnstructuredRow {
  readonly kind: "unstructured";
  readonly model: string;
  readonly variant: string;
  readonly ratio: number;
  readonly seed: number;
  readonly before: string;
  readonly after: string;
  /** Weights in all over those that are left, and the same of multiply-accumulates (Blalock et al. 2020). */
  readonly compression: number;
  readonly speedup: number | null;
  /** Files: as they are, behind gzip, and with zeros stored sparse. */
  readonly bytes: { readonly dense: number; readonly gzip: number; readonly stored: number; readonly original: number };
  readonly seconds: number;
}

const RATIOS = [0.5, 0.8, 0.9, 0.95];
/** Steps of the cubic schedule; the epochs of the subject are shared among them. */
const STEPS = 3;

const VARIANTS = {
  "l1, global": { score: "l1", scope: "global" },
  lamp: { score: "lamp", scope: "global" },
  random: { score: "random", scope: "uniform" },
} as const;

export const unstructured = (seeds: readonly number[]): Cell[] =>
  [subjects.resnet20, subjects.mnist].flatMap((subject) =>
    RATIOS.flatMap((ratio) =>
      Object.keys(VARIANTS).flatMap((variant) =>
        seeds.map((seed) => ({
          case: `unstructured-${subject.name}`,
          name: `unstructured-${subject.name}-${100 * ratio}-${variant.replace(/\W+/g, "-")}-${seed}`,
          run: (conditions: Conditions) => row(subject, variant as keyof typeof VARIANTS, ratio, seed, conditions),
        })),
      ),
    ),
  );

async function row(
  subject: Subject & { readonly finetune: NonNullable<Subject["finetune"]> },
  variant: keyof typeof VARIANTS,
  ratio: number,
  seed: number,
  { threads, trial }: Conditions,
): Promise<UnstructuredRow> {
  const model = await load(subject.path);
  const { epochs: _epochs, ...training } = subject.finetune;
  const length = trial ? { steps: 5 } : { epochs: subject.finetune.epochs / STEPS };
  const begun = performance.now();
  const result = await prune(
    model,
    { ...VARIANTS[variant], ratio, schedule: "cubic", steps: STEPS, finetune: { ...training, ...length, seed }, seed },
    { data: subject.data, threads },
  );
  const seconds = (performance.now() - begun) / 1000;
  const stored = await compress(result.model, [{ method: "quantize", weights: "float32", sparse: "auto" }], {
    threads,
  });
  const [original, dense, sparse] = [await toBytes(model), await toBytes(result.model), await toBytes(stored.model)];
  const sum = (of: "elements" | "macs", when: "before" | "after") =>
    result.table.reduce((all, layer) => all + (layer[of]?.[when] ?? 0), 0);
  const macs = sum("macs", "after");
  return {
    kind: "unstructured",
    model: subject.title,
    variant,
    ratio,
    seed,
    before: await right(model, subject.data, threads),
    after: await right(result.model, subject.data, threads),
    compression: sum("elements", "before") / sum("elements", "after"),
    speedup: macs > 0 ? sum("macs", "before") / macs : null,
    bytes: {
      original: original.length,
      dense: dense.length,
      gzip: gzipSync(dense).length,
      stored: sparse.length,
    },
    seconds,
  };
}
