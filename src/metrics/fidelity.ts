// Fidelity: how near the outputs are to the reference's on the same inputs, output by output; the row shows the worst.

import type { OutputFigures } from "../engine/figures.js";
import { behaviours } from "./behaviour.js";
import { defineMetric } from "./metric.js";
import type { Fidelity, OutputFidelity } from "./report.js";

export const fidelity = defineMetric({
  name: "fidelity",
  summary: "cosine, SQNR, largest error and top-1 agreement of the outputs with the reference's",
  unit: "dB",
  better: "higher",
  needs: "engine",
  value: (row) => row.fidelity?.sqnrDb ?? null,
  measure: async (subjects, context) =>
    (await behaviours(subjects, context)).map(({ fidelity: found }) => ({
      fidelity: found === undefined ? null : summary(found),
    })),
});

function summary({
  outputs,
  samples,
  verified,
}: {
  readonly outputs: readonly OutputFigures[];
  readonly samples: number;
  readonly verified: "full" | "segments" | "no";
}): Fidelity {
  const rows = outputs.map(outputFidelity);
  return {
    cosine: least(rows.map((row) => row.cosine)),
    sqnrDb: least(rows.map((row) => row.sqnrDb)),
    // One output that is not finite is the worst, whatever the others are.
    maxAbs: rows.some((row) => row.maxAbs === null) ? null : Math.max(...rows.map((row) => row.maxAbs ?? 0)),
    agreement: least(rows.map((row) => row.agreement)),
    samples,
    verified,
    outputs: rows,
  };
}

/** JSON has no infinities: null, as the schema of the report explains. */
const outputFidelity = ({ name, cosine, sqnrDb, maxAbs, agreement }: OutputFigures): OutputFidelity => ({
  name,
  cosine: finite(cosine),
  sqnrDb: finite(sqnrDb),
  maxAbs: finite(maxAbs),
  agreement: agreement ?? null,
});

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

function least(values: readonly (number | null)[]): number | null {
  const there = values.filter((value) => value !== null);
  return there.length === 0 ? null : Math.min(...there);
}
