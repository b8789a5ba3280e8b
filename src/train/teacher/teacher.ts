// A teacher in a training: another model runs on the same samples, and loss terms draw values of the student to its values. It
// has a session of its own, which works on the next batches while the student learns from this one.

import { invalid } from "../../base/errors.js";
import { info } from "../../base/note.js";
import { parseOptions } from "../../base/options.js";
import { suggest } from "../../base/registry.js";
import type { Model } from "../../ir/model.js";
import type { StepContext } from "../../step/step.js";
import { random } from "../../tensor/random.js";
import type { Attach, Attached, AttachSite, ExtraInput, ExtraWeight } from "../attached.js";
import { firstBatch } from "../batches.js";
import { prepare } from "../prepare.js";
import type { Head, Prepared } from "../prepared.js";
import type { Term } from "../term.js";
import { TeacherCache } from "./cache.js";
import { featureAxis } from "./features.js";
import { teacherFeeds } from "./inputs.js";
import { teacherLosses } from "./losses/index.js";
import type { StatedLoss, TeacherOptions } from "./options.js";
import { outputPairs, valuePairs } from "./pairs.js";
import { openTeachers, type Teaching } from "./run.js";
import { scheduledValue } from "./scheduled.js";
import type { TeacherFit, TeacherLoss } from "./teacher-loss.js";

/**
 * What a teacher adds. Throws `invalid("teacher-missing" | "teacher-unfit" | "teacher-value" | "teacher-input" |
 * "teacher-output" | "teacher-classes")` and what loading and preparing it throw.
 */
export const withTeacher =
  (options: TeacherOptions): Attach =>
  async (site) => {
    const { prepared, samples, context } = site;
    const feeds = await firstBatch(samples, prepared.batch, true);
    const teachers: Teaching[] = [];
    for (const { model, weight } of await teachersOf(options, context)) {
      const mapped = teacherFeeds(model, feeds, options.inputs);
      teachers.push({ prepared: await prepare(model, { feeds: mapped }, context), weight, model });
    }
    const asked = (options.losses ?? defaultLosses(prepared)).map((one) => statedLoss(one));
    const wishes = asked.flatMap((stated) => wishesOf(stated, prepared, teachers, options));
    return attached(wishes, teachers, site, options);
  };

/** One comparison: a value of the student with a value of the teachers. */
interface Wish {
  readonly method: TeacherLoss;
  readonly own: Record<string, unknown>;
  readonly stated: StatedLoss;
  readonly student: string;
  readonly teacher: string;
  readonly head: Head | undefined;
}

async function teachersOf({ from }: TeacherOptions, context: StepContext) {
  const list = typeof from === "string" ? [from] : from;
  return Promise.all(
    list.map(async (one) => {
      const { model: path, weight = 1 } = typeof one === "string" ? { model: one } : one;
      return { model: await teacherModel(path, context), weight };
    }),
  );
}

async function teacherModel(path: string, { original, load }: StepContext): Promise<Model> {
  if (path === "original") {
    if (original !== undefined) return original;
    throw invalid("teacher-missing", "There is no original to be the teacher.", { hint: "Name a file." });
  }
  if (load !== undefined) return load(path);
  throw invalid("teacher-missing", `The teacher "${path}" cannot be loaded here.`, { node: path });
}

/** Probabilities where the student has some, else the numbers themselves. */
const defaultLosses = ({ heads }: Prepared): StatedLoss[] =>
  heads.map(({ output, activation, axis }, at) => {
    const classes = activation !== "none" || (at === 0 && axis > 0);
    return classes ? { loss: "soft-labels", temperature: 1, output } : { loss: "logits", output };
  });

/** What the schema has parsed. */
const statedLoss = (one: string | object): StatedLoss =>
  typeof one === "string" ? { loss: one } : (one as StatedLoss);

function wishesOf(
  stated: StatedLoss,
  prepared: Prepared,
  teachers: readonly Teaching[],
  options: TeacherOptions,
): Wish[] {
  const method = teacherLosses.get(stated.loss);
  const { loss: _, weight: _w, output, pairs, mask: _m, ...rest } = stated;
  const own = parseOptions(method, rest, "teacher.losses");
  const [first] = teachers as readonly [Teaching];
  const found =
    method.on === "output"
      ? outputPairs(prepared, first.prepared, output, options.outputs)
      : valuePairs(prepared, first.prepared, pairs ?? "auto", (student, teacher) => {
          const fit = fitOf(
            { method, own, stated, student, teacher, head: undefined },
            prepared,
            first.prepared,
            options,
          );
          method.check(fit);
        });
  return found.map(({ student, teacher, head }) => ({ method, own, stated, student, teacher, head }));
}

function fitOf(
  { own, student, teacher, head }: Wish,
  prepared: Prepared,
  by: Prepared,
  { classes }: TeacherOptions,
): TeacherFit<Record<string, unknown>> {
  const shape = prepared.shapes.get(student)!;
  const axis = head?.axis ?? featureAxis(shape.dims);
  const given = by.shapes.get(teacher)!;
  const dims = head && classes ? given.dims.map((size, at) => (at === axis ? classes.length : size)) : given.dims;
  return {
    options: own,
    student: shape,
    teacher: { ...given, dims },
    axis,
    activation: head?.activation ?? "none",
    names: `${student} = ${teacher}`,
  };
}

function attached(
  wishes: readonly Wish[],
  teachers: readonly Teaching[],
  { prepared, context, seed }: AttachSite,
  options: TeacherOptions,
): Attached | Promise<Attached> {
  const [{ prepared: by }] = teachers as readonly [Teaching];
  const inputs = new Map<string, ExtraInput & { readonly of: string; readonly head: Head | undefined }>();
  const weights: ExtraWeight[] = [];
  const names = new Set<string>();
  const terms = wishes.map((wish, at): Term => {
    const { method, student, teacher, head, stated } = wish;
    const fit = fitOf(wish, prepared, by, options);
    method.check(fit);
    checkClasses(head, options, by.shapes.get(teacher)!.dims);
    const input = `pare.teacher.${teacher}`;
    inputs.set(input, { name: input, shape: by.shapes.get(teacher)!, of: teacher, head });
    const mask = maskOf(stated.mask, prepared, fit);
    const name = [stated.loss, `${stated.loss}.${student}`].find((one) => !names.has(one)) ?? `${stated.loss}.${at}`;
    names.add(name);
    const learned = method.weights?.(fit) ?? [];
    const nameOf = (own: string) => `pare.${own}.${student}.${at}`;
    for (const { name: own, dims, fanIn } of learned) {
      weights.push({ name: nameOf(own), dims, initial: drawn(dims, fanIn, seed + at) });
    }
    const { weight = 1 } = stated;
    return {
      name,
      weight: typeof weight === "number" ? weight : 1,
      reads: [student],
      write(site) {
        const { emit } = site;
        const found = method.write({
          ...fit,
          emit,
          value: site.value(student),
          target: head && options.classes ? emit.gather(input, emit.ints(options.classes), fit.axis) : input,
          mask: mask === undefined ? undefined : emit.cast(mask, "float32"),
          weight: (own) => site.weight(nameOf(own))!,
          scheduled: (value) => scheduledValue(emit, value, site.progress),
        });
        return typeof weight === "number"
          ? found
          : { ...found, factor: scheduledValue(emit, weight, () => site.progress()) };
      },
    };
  });
  const values = [...inputs.values()];
  const cache = options.cache === false ? undefined : new TeacherCache(options.cache === true ? 256 : options.cache);
  return openTeachers(teachers, values, { options, context, cache }).then(({ supply, release }) => ({
    terms,
    weights,
    inputs: values,
    supply,
    release,
    settings: { teacher: options },
    notes: [info("teacher", `Learns from ${told(options)}: ${wishes.map(said).join(", ")}.`)],
  }));
}

const told = ({ from }: TeacherOptions) =>
  typeof from === "string" ? (from === "original" ? "the original" : from) : `${from.length} teachers`;

const said = ({ stated: { loss }, student, teacher }: Wish) =>
  `${loss} of ${student === teacher ? student : `${student} = ${teacher}`}`;

function checkClasses(head: Head | undefined, { classes }: TeacherOptions, dims: readonly number[]): void {
  const count = head && dims[head.axis];
  const wrong = classes?.find((index) => count !== undefined && index >= count);
  if (wrong === undefined) return;
  throw invalid("teacher-classes", `The teacher has no class ${wrong}.`, {
    expected: `indices below ${count}`,
    found: String(wrong),
  });
}

/** The input that says which positions count, where values have positions: [batch, positions, ...]. */
function maskOf(stated: string | undefined, prepared: Prepared, fit: TeacherFit<unknown>): string | undefined {
  if (stated === "none") return undefined;
  const fits = (name: string) => {
    const dims = prepared.shapes.get(name)?.dims;
    const { student } = fit;
    const positions = student.dims.length === 4 ? student.dims[2] : student.dims[1];
    return dims?.length === 2 && dims[0] === student.dims[0] && dims[1] === positions && student.dims.length >= 3;
  };
  if (stated === undefined) return prepared.inputs.find((name) => name === "attention_mask" && fits(name));
  if (prepared.inputs.includes(stated) && fits(stated)) return stated;
  throw invalid("teacher-mask", `"${stated}" does not say which positions of ${fit.names} count.`, {
    node: stated,
    expected: `an input [batch, positions] for values [${fit.student.dims}]`,
    found: prepared.inputs.includes(stated) ? `[${prepared.shapes.get(stated)?.dims}]` : prepared.inputs.join(", "),
    hint: suggest(stated, prepared.inputs),
  });
}

/** As fresh weights are drawn: normal, by the number of summed elements. */
function drawn(dims: readonly number[], fanIn: number, seed: number): Float32Array {
  const { normal } = random(seed);
  const size = dims.reduce((all, one) => all * one, 1);
  return Float32Array.from({ length: size }, () => normal() / Math.sqrt(fanIn));
}
