// Calibrations as JSON: what can be read, changed by hand and used again. `low` and `high` are what counts.

import { z } from "zod";
import { invalid } from "../../base/errors.js";
import type { Model } from "../../ir/model.js";
import { definitions } from "../../ir/traverse.js";
import type { Calibration, ValueRange } from "./calibration.js";

const range = z.strictObject({
  low: z.number(),
  high: z.number(),
  min: z.number(),
  max: z.number(),
  mean: z.number(),
  deviation: z.number(),
});

const schema = z.strictObject({
  format: z.literal("pare calibration 1"),
  model: z.string(),
  range: z.string(),
  data: z.strictObject({ name: z.string(), synthetic: z.boolean(), samples: z.number() }),
  values: z.record(z.string(), range),
  /** Values without a range, and why. */
  without: z.record(z.string(), z.string()).default({}),
});

/** A calibration and the reasons of values that have none. */
export interface Stored extends Omit<Calibration, "notes"> {
  readonly without: ReadonlyMap<string, string>;
}

export function toJson({ model, range, data, values, without }: Stored): unknown {
  const json: z.output<typeof schema> = {
    format: "pare calibration 1",
    model,
    range,
    data,
    values: Object.fromEntries(values),
    without: Object.fromEntries(without),
  };
  return json;
}

const HINT = "Correct the file, or remove it: it is then made anew.";

/**
 * Reads what a store holds, for a model of this key. Throws `invalid("calibration-file")` for what is no calibration,
 * ranges that are none and values that the model does not have, `invalid("calibration-model")` for another model's.
 */
export function fromJson(json: unknown, key: string, model: Model): Stored {
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw invalid("calibration-file", `The calibration file is wrong: ${issue?.message ?? "unknown"}.`, {
      node: issue?.path.join(".") || undefined,
      hint: HINT,
    });
  }
  const { data } = parsed;
  if (data.model !== key) {
    throw invalid("calibration-model", "The calibration file is of another model.", {
      expected: key,
      found: data.model,
      hint: "Ranges hold for the model that was run: its weights, and what repairs made of them by the data. State the data and repairs that it was written with, name another file, or remove this one: it is then made anew.",
    });
  }
  const known = definitions(model.graph);
  for (const [name, { low, high }] of Object.entries(data.values)) {
    if (!known.has(name)) {
      throw invalid(
        "calibration-file",
        `The model has no value "${name}", of which the calibration file states a range.`,
        {
          node: name,
          hint: HINT,
        },
      );
    }
    if (low > high) {
      throw invalid("calibration-file", `In the calibration file the range of "${name}" is upside down.`, {
        node: name,
        expected: "low <= high",
        found: `low ${low}, high ${high}`,
        hint: HINT,
      });
    }
  }
  return {
    ...data,
    values: new Map<string, ValueRange>(Object.entries(data.values)),
    without: new Map(Object.entries(data.without)),
  };
}

/** The text of a calibration file: one value a line. */
export function calibrationText(json: unknown): string {
  const { values, without, ...head } = json as z.output<typeof schema>;
  const lines = Object.entries(head).map(([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)},`);
  const block = (name: string, entries: object) => {
    const inner = Object.entries(entries).map(([key, value]) => `    ${JSON.stringify(key)}: ${spaced(value)}`);
    return inner.length === 0 ? `  "${name}": {}` : `  "${name}": {\n${inner.join(",\n")}\n  }`;
  };
  return `{\n${lines.join("\n")}\n${block("values", values)},\n${block("without", without)}\n}\n`;
}

/** JSON in one line, with blanks. */
const spaced = (value: unknown): string =>
  typeof value === "object" && value !== null
    ? `{ ${Object.entries(value)
        .map(([key, one]) => `"${key}": ${JSON.stringify(one)}`)
        .join(", ")} }`
    : JSON.stringify(value);

/** The same as text; throws `invalid("calibration-file")` where it is no JSON. */
export function parseCalibration(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid("calibration-file", "The calibration file is no JSON.", {
      node: path,
      found: error instanceof Error ? error.message : String(error),
      hint: HINT,
      cause: error,
    });
  }
}
