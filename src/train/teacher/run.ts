// Teachers at work: one session each, in a thread of its own where the platform has threads; what they give for a batch as inputs
// of the student's step.

import { openResident, type ResidentSession } from "../../engine/resident.js";
import { tensorInfo } from "../../ir/build.js";
import type { Model } from "../../ir/model.js";
import { ancestry } from "../../ir/traverse.js";
import type { StepContext } from "../../step/step.js";
import type { Feeds, Value } from "../../tensor/value.js";
import type { ExtraInput, Supply } from "../attached.js";
import type { Head, Prepared } from "../prepared.js";
import { sampleKeys, type TeacherCache } from "./cache.js";
import { ensemble } from "./ensemble.js";
import { teacherFeeds } from "./inputs.js";
import type { TeacherOptions } from "./options.js";
import { unfit } from "./teacher-loss.js";

export interface Teaching {
  readonly prepared: Prepared;
  readonly model: Model;
  readonly weight: number;
}

/** An input of the step that holds a value of the first teacher, or the mean over all of an output. */
export interface TaughtValue extends ExtraInput {
  readonly of: string;
  readonly head: Head | undefined;
}

interface Opened {
  readonly session: ResidentSession;
  readonly model: Model;
  readonly weight: number;
  /** What this teacher calls each value; undefined: it is not asked for it. */
  readonly names: readonly (string | undefined)[];
}

export async function openTeachers(
  teachers: readonly Teaching[],
  values: readonly TaughtValue[],
  given: { readonly options: TeacherOptions; readonly context: StepContext; readonly cache: TeacherCache | undefined },
): Promise<{ readonly supply: Supply; release(): Promise<void> }> {
  const { options, context, cache } = given;
  const opened: Opened[] = [];
  const release = async () => {
    for (const { session } of opened) await session.release();
  };
  try {
    for (const [at, { prepared, model, weight }] of teachers.entries()) {
      const names = values.map((value) => (at === 0 ? value.of : namesake(value, teachers[0]!.prepared, prepared)));
      const wanted = [...new Set(names.flatMap((name) => name ?? []))];
      const session = await openResident(giving(prepared, wanted), [], {}, context);
      opened.push({ session, model, weight, names });
    }
  } catch (error) {
    await release();
    throw error;
  }
  const run = async (feeds: Feeds): Promise<readonly Float32Array[]> => {
    const all: Record<string, Value>[] = [];
    for (const { session, model } of opened)
      all.push(await session.run(copied(teacherFeeds(model, feeds, options.inputs))));
    return values.map(({ head, shape }, index) => {
      const own = opened.flatMap(({ names, weight }, at) => {
        const name = names[index];
        return name === undefined ? [] : [{ data: all[at]![name]!.data as Float32Array, weight }];
      });
      return own.length === 1 ? own[0]!.data : ensemble(own, { ...shape, head: head! }, options.combine);
    });
  };
  const supply: Supply = async ({ samples, feeds }) => {
    const found = cache === undefined ? await run(feeds) : await cached(cache, feeds, samples.length, () => run(feeds));
    return Object.fromEntries(values.map(({ name, shape }, at) => [name, { ...shape, data: found[at]! } as Value]));
  };
  return { supply, release };
}

/** The output of another teacher in the same place. Throws `invalid("teacher-unfit")`. */
function namesake({ head, of, shape }: TaughtValue, first: Prepared, other: Prepared): string | undefined {
  if (head === undefined) return undefined;
  const place = first.heads.findIndex(({ logits }) => logits === of);
  const named = other.heads.find(({ output }) => output === first.heads[place]?.output);
  const found = (named ?? other.heads[place])?.logits;
  const dims = found === undefined ? undefined : other.shapes.get(found)?.dims;
  if (String(dims) === String(shape.dims)) return found;
  throw unfit(of, `the same output of all teachers: [${shape.dims}]`, dims === undefined ? "none" : `[${dims}]`);
}

/** The prepared teacher up to these values. */
function giving({ model, shapes }: Prepared, names: readonly string[]): Model {
  const { graph } = model;
  const needed = ancestry(graph, names);
  return {
    ...model,
    graph: {
      ...graph,
      nodes: needed.nodes,
      outputs: names.map((name) => tensorInfo(name, "float32", shapes.get(name)!.dims)),
      initializers: new Map([...graph.initializers].filter(([name]) => needed.names.has(name))),
    },
  };
}

/** A run may give its arrays away. */
const copied = (feeds: Feeds): Feeds =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, value]) => [name, { ...value, data: value.data.slice() as Value["data"] }]),
  );

async function cached(
  cache: TeacherCache,
  feeds: Feeds,
  count: number,
  run: () => Promise<readonly Float32Array[]>,
): Promise<readonly Float32Array[]> {
  const keys = await sampleKeys(feeds, count);
  const known = keys.map((key) => cache.get(key));
  const [first] = known;
  if (first !== undefined && known.every((one) => one !== undefined)) {
    return first.map((own, value) => {
      const whole = new Float32Array(own.length * count);
      for (const [at, parts] of known.entries()) whole.set(parts![value]!, at * own.length);
      return whole;
    });
  }
  const found = await run();
  keys.forEach((key, at) => {
    const share = (data: Float32Array) => data.slice((at * data.length) / count, ((at + 1) * data.length) / count);
    cache.set(key, found.map(share));
  });
  return found;
}
