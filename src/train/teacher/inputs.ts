// What a teacher is fed with: the student's inputs, by name or as a map says, in the teacher's types and scale.

import { invalid } from "../../base/errors.js";
import { suggest } from "../../base/registry.js";
import { adaptFeeds } from "../../engine/feeds.js";
import type { Model } from "../../ir/model.js";
import type { Feeds, Value } from "../../tensor/value.js";
import type { TeacherOptions } from "./options.js";

type InputMap = NonNullable<TeacherOptions["inputs"]>[string];

/** Throws `invalid("teacher-input")`. */
export function teacherFeeds(model: Model, feeds: Feeds, map: TeacherOptions["inputs"]): Feeds {
  const { graph } = model;
  const inputs = graph.inputs.filter(({ name }) => !graph.initializers.has(name));
  const unknown = Object.keys(map ?? {}).find((name) => inputs.every((input) => input.name !== name));
  if (unknown !== undefined) {
    const names = inputs.map(({ name }) => name);
    throw invalid("teacher-input", `The teacher has no input "${unknown}".`, {
      node: unknown,
      expected: names.join(", "),
      found: unknown,
      hint: suggest(unknown, names),
    });
  }
  const given = Object.keys(feeds);
  const found: Record<string, Value> = {};
  for (const { name } of inputs) {
    const stated: InputMap | undefined = map?.[name];
    const from =
      (typeof stated === "string" ? stated : stated?.from) ??
      (feeds[name] ? name : inputs.length === 1 && given.length === 1 ? given[0]! : name);
    const value = feeds[from];
    if (value === undefined) {
      throw invalid("teacher-input", `Nothing is fed to the input "${name}" of the teacher.`, {
        node: name,
        expected: given.join(", "),
        found: from,
        hint: `Say which input of the student it takes: "inputs": { "${name}": "${given[0]}" }.`,
      });
    }
    found[name] = typeof stated === "object" ? rescaled(value, stated, name) : value;
  }
  const ports = inputs.map(({ name, type }) => ({
    name,
    dtype: type?.kind === "tensor" ? type.dtype : undefined,
    shape: undefined,
  }));
  return adaptFeeds(found, ports);
}

/** value x scale + shift, by channel where there are several. */
function rescaled(value: Value, { scale = 1, shift = 0 }: Exclude<InputMap, string>, name: string): Value {
  if (value.dtype !== "float32") {
    throw invalid("teacher-input", `Only float32 inputs are rescaled.`, { node: name, found: value.dtype });
  }
  const channels = value.dims[1] ?? 1;
  for (const list of [scale, shift]) {
    if (typeof list === "number" || list.length === channels) continue;
    throw invalid("teacher-input", `The numbers to rescale "${name}" are not one for each channel.`, {
      node: name,
      expected: `one number, or ${channels}`,
      found: String(list.length),
    });
  }
  const inner = value.dims.slice(2).reduce((all, size) => all * size, 1);
  const of = (list: number | readonly number[], at: number) => (typeof list === "number" ? list : list[at]!);
  const data = Float32Array.from(value.data as Float32Array, (one, at) => {
    const channel = Math.floor(at / inner) % channels;
    return one * of(scale, channel) + of(shift, channel);
  });
  return { ...value, data };
}
