// Sums of squares as a file that can be read, edited and used again: llama.cpp's importance matrix, one value of the graph a line.

import { z } from "zod";
import { invalid } from "../../base/errors.js";
import type { Model } from "../../ir/model.js";
import { type Statistic, type Sums, sumsOver } from "../../statistics/input-sums.js";
import type { Source } from "../../statistics/products.js";
import type { StepContext } from "../../step/step.js";
import { modelKey } from "../calibration/model-key.js";

const schema = z.strictObject({
  format: z.literal("pare importance 1"),
  model: z.string(),
  data: z.strictObject({ name: z.string(), samples: z.number() }),
  /** By value of the graph (of a Conv: value, groups and kernel): the sum of squares of each input. */
  values: z.record(z.string(), z.strictObject({ squares: z.array(z.number().min(0)) })),
  without: z.strictObject({}).default({}),
});

const HINT = "Correct the file, or remove it: it is then made anew.";

/**
 * As `sumsOver`, from the context's calibration where it holds them, else found and written there. Throws
 * `invalid("calibration-file")` for what holds no importance, or not of every input, `invalid("calibration-model")` for
 * another model's.
 */
export async function savedSums(
  model: Model,
  sources: readonly Source[],
  statistic: Statistic,
  samples: number,
  context: StepContext,
): Promise<Sums> {
  const { calibration } = context;
  if (calibration === undefined) return sumsOver(model, sources, statistic, samples, context);
  const key = await modelKey(model, context.signal);
  const identity = `${key}|importance|${samples}|${context.seed ?? 0}`;
  const known = await calibration.read(identity);
  if (known !== undefined) return read(known, key, sources);
  const sums = await sumsOver(model, sources, statistic, samples, context);
  const values = Object.fromEntries(sources.map((one) => [nameOf(one), { squares: Array.from(sums.get(one.key)!) }]));
  const json: z.output<typeof schema> = {
    format: "pare importance 1",
    model: key,
    data: { name: context.data.name, samples },
    values,
    without: {},
  };
  await calibration.write(json, identity);
  return sums;
}

function read(json: unknown, key: string, sources: readonly Source[]): Sums {
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw invalid("calibration-file", `The calibration file holds no importance: ${issue?.message ?? "unknown"}.`, {
      node: issue?.path.join(".") || undefined,
      hint: HINT,
    });
  }
  const { model, values } = parsed.data;
  if (model !== key) {
    throw invalid("calibration-model", "The calibration file is of another model.", {
      expected: key,
      found: model,
      hint: "Name another file, or remove this one: it is then made anew.",
    });
  }
  return new Map(
    sources.map((source) => {
      const squares = values[nameOf(source)]?.squares;
      const expected = source.groups * source.inputs;
      if (squares?.length !== expected) {
        const what = `The calibration file states no importance of the inputs in "${source.value}"`;
        throw invalid("calibration-file", `${what}, or of another number of them.`, {
          node: source.value,
          expected: `${expected} numbers`,
          found: squares === undefined ? "none" : String(squares.length),
          hint: HINT,
        });
      }
      return [source.key, Float64Array.from(squares)];
    }),
  );
}

const nameOf = ({ form, value, key }: Source) => (form === "last" ? value : key);
