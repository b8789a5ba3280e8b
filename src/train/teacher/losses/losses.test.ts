// Long because every loss is compared with its definition in float64 and with central differences.

import { describe, expect, test } from "vitest";
import { engineServices } from "../../../../tests/support/engine.js";
import { floats, openStep, scalar } from "../../../../tests/support/step-session.js";
import { graphBuilder } from "../../../ir/build.js";
import { random } from "../../../tensor/random.js";
import { float32, int64 } from "../../../tensor/tensor.js";
import { prepare } from "../../prepare.js";
import { buildStep } from "../../step.js";
import { featureAxis } from "../features.js";
import { scheduledValue } from "../scheduled.js";
import type { TeacherFit } from "../teacher-loss.js";
import { teacherLosses } from "./index.js";

const BATCH = 3;

function drawn(seed: number, dims: readonly number[], scale = 1): number[] {
  const { normal } = random(seed);
  return Array.from({ length: dims.reduce((all, size) => all * size, 1) }, () => scale * normal());
}

/** x [batch, 4] w [4, size] reshaped to [batch, ...dims]: every number of the value has weights of its own. */
async function student(dims: readonly number[]) {
  const size = dims.reduce((all, one) => all * one, 1);
  const b = graphBuilder();
  const product = b.node("MatMul", [
    b.input("x", "float32", [BATCH, 4]),
    b.initializer("w", float32([4, size], drawn(1, [4, size], 0.6))),
  ]);
  const shape = b.initializer("shape", int64([dims.length + 1], [BATCH, ...dims]));
  b.output(b.node("Reshape", [product, shape], { outputs: ["value"] }), "float32", [BATCH, ...dims]);
  const x = floats([BATCH, 4], drawn(2, [BATCH, 4]));
  return { prepared: await prepare(b.model(), { feeds: { x } }, engineServices()), x };
}

interface Setting {
  readonly loss: string;
  readonly dims: readonly number[];
  readonly teacher?: readonly number[];
  readonly options?: Readonly<Record<string, unknown>>;
  readonly activation?: TeacherFit<unknown>["activation"];
  readonly mask?: readonly number[];
}

async function stepOf({ loss, dims, teacher = dims, options = {}, activation = "none", mask }: Setting) {
  const { prepared, x } = await student(dims);
  const method = teacherLosses.get(loss);
  const shape = { dtype: "float32", dims: [BATCH, ...teacher] } as const;
  const axis = method.on === "output" ? dims.length : featureAxis([BATCH, ...dims]);
  const fit = {
    options: method.options.parse(options),
    student: prepared.shapes.get("value")!,
    teacher: shape,
    axis,
    activation,
    names: "value = value",
  };
  method.check(fit);
  const own = method.weights?.(fit) ?? [];
  const inputs = [{ name: "pare.wanted", shape }];
  const masked = mask && ({ name: "pare.mask", shape: { dtype: "float32", dims: [BATCH, dims[0]!] } } as const);
  const step = buildStep(prepared, {
    losses: [],
    optimizer: { name: "sgd", momentum: 0 },
    attached: {
      inputs: [...inputs, ...(masked ? [masked] : [])],
      weights: own.map(({ name, dims: size, fanIn }) => ({
        name: `pare.${name}`,
        dims: size,
        // A group of its own, so that it is a state of its own.
        decay: 1e-12,
        initial: Float32Array.from(drawn(7, size, 1 / Math.sqrt(fanIn))),
      })),
      terms: [
        {
          name: loss,
          weight: 1,
          reads: ["value"],
          write: (site) =>
            method.write({
              ...fit,
              emit: site.emit,
              value: site.value("value"),
              target: "pare.wanted",
              mask: masked?.name,
              weight: (name) => site.weight(`pare.${name}`)!,
              scheduled: (value) => scheduledValue(site.emit, value, () => site.progress()),
            }),
        },
      ],
    },
  });
  const wanted = drawn(5, [BATCH, ...teacher]);
  const feeds = {
    x,
    "pare.wanted": floats([BATCH, ...teacher], wanted),
    ...(mask && { "pare.mask": floats([BATCH, dims[0]!], mask) }),
  };
  const session = await openStep(step);
  const value = () => {
    const w = session.state.w!.data as Float32Array;
    const size = w.length / 4;
    const rows = Array.from({ length: BATCH }, (_, row) =>
      Array.from({ length: size }, (_, at) =>
        [0, 1, 2, 3].reduce((sum, k) => sum + (x.data as Float32Array)[row * 4 + k]! * w[k * size + at]!, 0),
      ),
    );
    return rows;
  };
  const lossNow = async (more?: object) =>
    scalar((await session.run({ feeds, labels: [], lr: 0, ...more }, false)).loss);
  const projection = session.state["pare.projection"]?.data as Float32Array | undefined;
  const target = Array.from({ length: BATCH }, (_, row) =>
    wanted.slice((row * wanted.length) / BATCH, ((row + 1) * wanted.length) / BATCH),
  );
  return { session, feeds, lossNow, own: value(), wanted: target, projection };
}

const cases: readonly Setting[] = [
  { loss: "soft-labels", dims: [5], options: { temperature: 3 } },
  { loss: "soft-labels", dims: [4, 5], options: { temperature: 2 }, mask: [1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0] },
  { loss: "soft-labels", dims: [3], activation: "sigmoid", options: { temperature: 1 } },
  { loss: "logits", dims: [5] },
  { loss: "hidden", dims: [6] },
  { loss: "hidden", dims: [3], teacher: [5] },
  { loss: "hidden", dims: [2, 3], teacher: [2, 4], options: { distance: "cosine" }, mask: [1, 0, 1, 1, 1, 1] },
  { loss: "hidden", dims: [2, 4, 4], teacher: [3, 2, 2] },
  { loss: "hidden", dims: [2, 2, 2], teacher: [2, 4, 4] },
  { loss: "attention", dims: [2, 4, 4], teacher: [3, 2, 2] },
  { loss: "attention", dims: [2, 3, 3], teacher: [4, 3, 3], options: { kind: "probabilities" } },
  { loss: "similarity", dims: [4], teacher: [6] },
  { loss: "relational", dims: [4], teacher: [6] },
  { loss: "contrastive", dims: [4], teacher: [5], options: { temperature: 0.5 } },
];

const title = ({ loss, dims, teacher, options, mask }: Setting) =>
  [
    loss,
    `[${dims}]`,
    teacher ? `to [${teacher}]` : "",
    options ? JSON.stringify(options) : "",
    mask ? "masked" : "",
  ].join(" ");

test.each(cases.map((one) => [title(one), one] as const))("%s has the gradient of its differences", async (_, one) => {
  const { session, feeds, lossNow } = await stepOf(one);
  const names = ["w", ...(session.state["pare.projection"] ? ["pare.projection"] : [])];
  const before = Object.fromEntries(
    names.map((name) => [name, Float32Array.from(session.state[name]!.data as Float32Array)]),
  );
  await session.run({ feeds, labels: [], lr: 1 });
  const after = Object.fromEntries(names.map((name) => [name, session.state[name]!.data as Float32Array]));
  for (const name of names) {
    const gradient = before[name]!.map((value, at) => value - after[name]![at]!);
    const size = Math.max(...gradient.map(Math.abs));
    expect(size, name).toBeGreaterThan(1e-5);
    for (let at = 0; at < gradient.length; at += Math.ceil(gradient.length / 5)) {
      const h = 1e-2;
      const shifted = async (by: number) => {
        for (const each of names)
          session.state[each] = { ...session.state[each]!, data: Float32Array.from(before[each]!) };
        (session.state[name]!.data as Float32Array)[at]! += by;
        return lossNow();
      };
      const difference = ((await shifted(h)) - (await shifted(-h))) / (2 * h);
      expect(Math.abs(difference - gradient[at]!), `${name} ${at}`).toBeLessThan(0.02 * size + 2e-4);
    }
  }
  await session.release();
});

describe("in float64", () => {
  const near = async (
    one: Setting,
    expected: (own: number[][], wanted: number[][], projection?: Float32Array) => number,
  ) => {
    const { session, lossNow, own, wanted, projection } = await stepOf(one);
    const found = await lossNow();
    const right = expected(own, wanted, projection);
    expect(Math.abs(found - right)).toBeLessThan(1e-5 * Math.max(1, Math.abs(right)));
    await session.release();
  };
  const mean = (list: readonly number[]) => list.reduce((sum, x) => sum + x, 0) / list.length;
  const softmax = (list: readonly number[]) => {
    const all = list.map(Math.exp);
    return all.map((x) => x / all.reduce((sum, y) => sum + y, 0));
  };
  const divergence = (wanted: readonly number[], own: readonly number[], heat: number) => {
    const [p, q] = [wanted, own].map((list) => softmax(list.map((x) => x / heat))) as [number[], number[]];
    return heat ** 2 * p.reduce((sum, x, at) => sum + x * Math.log(x / q[at]!), 0);
  };
  const unit = (list: readonly number[]) => list.map((x) => x / Math.hypot(...list));
  const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, at) => sum + x * b[at]!, 0);

  test("soft labels", () =>
    near(cases[0]!, (own, wanted) => mean(own.map((row, at) => divergence(wanted[at]!, row, 3)))));

  test("soft labels of sequences: padding does not count, nor does a sample of nothing else", () =>
    near(cases[1]!, (own, wanted) => {
      const mask = cases[1]!.mask!;
      const samples = own.map((row, at) => {
        const counted = [0, 1, 2, 3].filter((place) => mask[at * 4 + place] === 1);
        if (counted.length === 0) return 0;
        const part = (list: readonly number[], place: number) => list.slice(place * 5, place * 5 + 5);
        return mean(counted.map((place) => divergence(part(wanted[at]!, place), part(row, place), 2)));
      });
      return mean(samples);
    }));

  test("soft labels of yes or no", () =>
    near(cases[2]!, (own, wanted) => {
      const chance = (x: number) => 1 / (1 + Math.exp(-x));
      return mean(
        own.flatMap((row, at) =>
          row.map((x, place) => {
            const [p, q] = [chance(wanted[at]![place]!), chance(x)];
            return p * Math.log(p / q) + (1 - p) * Math.log((1 - p) / (1 - q));
          }),
        ),
      );
    }));

  test("hidden values behind a projection", () =>
    near(cases[5]!, (own, wanted, projection) =>
      mean(
        own.flatMap((row, at) =>
          wanted[at]!.map((x, to) => (row.reduce((sum, y, from) => sum + y * projection![from * 5 + to]!, 0) - x) ** 2),
        ),
      ),
    ));

  test("attention of maps", () =>
    near(cases[9]!, (own, wanted) => {
      const energy = (row: readonly number[], channels: number, size: number) =>
        Array.from({ length: size * size }, (_, at) =>
          mean(Array.from({ length: channels }, (_, c) => row[c * size * size + at]! ** 2)),
        );
      const halved = (map: readonly number[]) =>
        [0, 1, 2, 3].map((at) => {
          const [y, x] = [2 * Math.floor(at / 2), 2 * (at % 2)];
          return mean([0, 1, 4, 5].map((off) => map[y * 4 + x + off]!));
        });
      const samples = own.map((row, at) => {
        const [a, b] = [unit(halved(energy(row, 2, 4))), unit(energy(wanted[at]!, 3, 2))];
        return a.reduce((sum, x, place) => sum + (x - b[place]!) ** 2, 0);
      });
      return mean(samples);
    }));

  test("similarity", () =>
    near(cases[11]!, (own, wanted) => {
      const alike = (rows: number[][]) => rows.map((row) => unit(rows.map((other) => dot(row, other))));
      const [a, b] = [alike(own), alike(wanted)];
      return a.flat().reduce((sum, x, at) => sum + (x - b.flat()[at]!) ** 2, 0) / BATCH ** 2;
    }));

  test("relational: distances and angles", () =>
    near(cases[12]!, (own, wanted) => {
      const huber = (x: number) => (Math.abs(x) < 1 ? x ** 2 / 2 : Math.abs(x) - 0.5);
      const apart = (rows: number[][]) => {
        const all = rows.map((row) => rows.map((other) => Math.hypot(...row.map((x, at) => x - other[at]!))));
        const middle = all.flat().reduce((sum, x) => sum + x, 0) / (BATCH * (BATCH - 1));
        return all.flat().map((x) => x / middle);
      };
      const angle = (rows: number[][]) =>
        rows.flatMap((row) => {
          const to = rows.map((other) => other.map((x, at) => x - row[at]!));
          const lengths = to.map((one) => Math.hypot(...one));
          const direction = to.map((one, at) => one.map((x) => (lengths[at] === 0 ? 0 : x / lengths[at]!)));
          return direction.flatMap((one) => direction.map((other) => dot(one, other)));
        });
      const difference = (of: (rows: number[][]) => number[]) => {
        const [a, b] = [of(own), of(wanted)];
        return mean(a.map((x, at) => huber(x - b[at]!)));
      };
      return difference(apart) + 2 * difference(angle);
    }));

  test("contrastive", () =>
    near(cases[13]!, (own, wanted, projection) => {
      const moved = own.map((row) =>
        unit(
          Array.from({ length: 5 }, (_, to) => row.reduce((sum, x, from) => sum + x * projection![from * 5 + to]!, 0)),
        ),
      );
      const theirs = wanted.map(unit);
      return mean(moved.map((row, at) => -Math.log(softmax(theirs.map((other) => dot(row, other) / 0.5))[at]!)));
    }));

  test("a temperature goes from one number to another", async () => {
    const { session, lossNow, own, wanted } = await stepOf({
      loss: "soft-labels",
      dims: [5],
      options: { temperature: { from: 4, to: 1 } },
    });
    for (const [progress, heat] of [
      [0, 4],
      [0.5, 2.5],
      [1, 1],
    ] as const) {
      const expected = mean(own.map((row, at) => divergence(wanted[at]!, row, heat)));
      expect(await lossNow({ more: { progress } })).toBeCloseTo(expected, 4);
    }
    await session.release();
  });
});

test.each([
  ["a temperature of zero", { loss: "soft-labels", dims: [5], options: { temperature: 0 } }, /temperature|expected/i],
  ["classes that differ", { loss: "logits", dims: [5], teacher: [6] }, /cannot be compared/],
  ["ranks that differ", { loss: "hidden", dims: [5], teacher: [2, 5] }, /cannot be compared/],
  ["sizes of no whole ratio", { loss: "hidden", dims: [2, 4, 4], teacher: [2, 3, 3] }, /cannot be compared/],
  ["maps of other rank", { loss: "attention", dims: [5] }, /cannot be compared/],
] as const)("%s: refused", async (_, one, message) => {
  await expect(stepOf(one)).rejects.toThrow(message);
});
