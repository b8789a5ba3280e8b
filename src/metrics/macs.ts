// Multiply-accumulates of one run, at the shapes that are observed when the first sample runs.

import { describeError } from "../base/errors.js";
import { info, warning } from "../base/note.js";
import { observe } from "../engine/observe.js";
import { defineMetric, type MetricContext, type Subject } from "./metric.js";
import { sessionBytes } from "./session-bytes.js";
import { workOf } from "./work.js";

export const macs = defineMetric({
  name: "macs",
  summary: "multiply-accumulates of one run at the first sample's shapes",
  unit: "count",
  better: "lower",
  needs: "engine",
  value: (row) => row.macs,
  async measure(subjects, context) {
    const rows = [];
    for (const subject of subjects) rows.push({ macs: await observed(subject, context) });
    return rows;
  },
});

async function observed(subject: Subject, context: MetricContext): Promise<number | null> {
  const { model, path } = subject;
  if (sessionBytes(subject) > context.memoryBudget) {
    context.note(warning("macs-not-counted", "The model does not fit in the memory that may be used.", path));
    return null;
  }
  try {
    const { values } = await observe(model, { feeds: await context.firstFeeds() }, context);
    const work = workOf(model, values);
    if (work.uncounted > 0) {
      const text = `${work.uncounted} nodes that multiply are not in the count: their shapes are not observed (subgraphs, functions).`;
      context.note(info("macs-partial", text, path));
    }
    return work.macs;
  } catch (error) {
    context.signal?.throwIfAborted();
    context.note(warning("macs-not-counted", `Shapes could not be observed: ${describeError(error)}`, path));
    return null;
  }
}
