// Which value of the student is compared with which of the teacher.

import { invalid, PareError } from "../../base/errors.js";
import { suggest } from "../../base/registry.js";
import type { Head, Prepared } from "../prepared.js";

export interface Pair {
  readonly student: string;
  readonly teacher: string;
  /** Of outputs. */
  readonly head: Head | undefined;
}

/** Outputs before their last activation. Throws `invalid("teacher-output")`. */
export function outputPairs(
  student: Prepared,
  teacher: Prepared,
  output: string | undefined,
  map: Readonly<Record<string, string>> | undefined,
): Pair[] {
  const heads = output === undefined ? student.heads : student.heads.filter((head) => head.output === output);
  if (heads.length === 0) {
    throw missing("student", output ?? "any float output", student.heads);
  }
  return heads.map((head) => {
    const place = student.heads.indexOf(head);
    const stated = map?.[head.output];
    const found =
      stated === undefined
        ? (teacher.heads.find((one) => one.output === head.output) ??
          (student.heads.length === teacher.heads.length ? teacher.heads[place] : undefined))
        : teacher.heads.find((one) => one.output === stated);
    if (found === undefined) throw missing("teacher", stated ?? head.output, teacher.heads);
    return { student: head.logits, teacher: found.logits, head };
  });
}

const missing = (who: string, name: string, heads: readonly Head[]) => {
  const names = heads.map(({ output }) => output);
  return invalid("teacher-output", `The ${who} has no float output "${name}".`, {
    node: name,
    expected: names.join(", "),
    found: name,
    hint: suggest(name, names),
  });
};

/** Values that are paired by themselves at most. */
const MOST = 4;

/**
 * Inner values. "auto": values of one name in both that `check` accepts, evenly spaced in graph order, the last among them.
 * Throws `invalid("teacher-value")`, and what `check` throws for pairs that are stated.
 */
export function valuePairs(
  student: Prepared,
  teacher: Prepared,
  stated: "auto" | Readonly<Record<string, string>>,
  check: (student: string, teacher: string) => void,
): Pair[] {
  if (stated !== "auto") {
    return Object.entries(stated).map(([own, other]) => {
      for (const [who, prepared, name] of [
        ["student", student, own],
        ["teacher", teacher, other],
      ] as const) {
        if (prepared.shapes.get(name)?.dtype === "float32" && !prepared.model.graph.initializers.has(name)) continue;
        const known = innerValues(prepared);
        throw invalid("teacher-value", `The ${who} has no float value "${name}".`, {
          node: name,
          found: name,
          hint: suggest(name, known) ?? `It has ${known.slice(-3).join(", ")} and ${known.length} in all.`,
        });
      }
      check(own, other);
      return { student: own, teacher: other, head: undefined };
    });
  }
  const theirs = new Set(innerValues(teacher));
  const both = innerValues(student).filter((name) => theirs.has(name) && accepted(() => check(name, name)));
  if (both.length === 0) {
    throw invalid(
      "teacher-value",
      "The student and the teacher have no inner value of one name that can be compared.",
      {
        hint: 'Name pairs: "pairs": { "student value": "teacher value" }; `pare inspect --graph` prints the names.',
      },
    );
  }
  const count = Math.min(MOST, both.length);
  return Array.from({ length: count }, (_, at) => {
    const name = both[Math.ceil(((at + 1) * both.length) / count) - 1]!;
    return { student: name, teacher: name, head: undefined };
  });
}

function accepted(check: () => void): boolean {
  try {
    check();
    return true;
  } catch (error) {
    if (error instanceof PareError && error.kind === "invalid") return false;
    throw error;
  }
}

/** What sums and activations give, [batch, ...]: where layers end. */
const ENDS = new Set([
  "Add",
  "Relu",
  "Clip",
  "LeakyRelu",
  "PRelu",
  "Gelu",
  "HardSwish",
  "LayerNormalization",
  "Concat",
]);

function innerValues({ model, shapes, batch }: Prepared): string[] {
  const { nodes, outputs } = model.graph;
  const ends = new Set(outputs.map(({ name }) => name));
  const inner = (only: (type: string) => boolean) =>
    nodes.flatMap(({ opType, outputs: given }) =>
      only(opType)
        ? given.filter((name) => {
            const shape = shapes.get(name);
            return shape?.dtype === "float32" && shape.dims[0] === batch && shape.dims.length > 1 && !ends.has(name);
          })
        : [],
    );
  const found = inner((type) => ENDS.has(type));
  return found.length > 0 ? found : inner(() => true);
}
