// The SIMD form of "encode" gives the bits of its reference, whatever the grid, the scales, the rounding and the packing.

import fc from "fast-check";
import { expect, test } from "vitest";
import { agree, keep, matrix, value } from "../../tests/support/kernels.js";
import { gridOf, gridOfFloat, gridOfTable } from "../quantize/grids.js";
import { floatLevels } from "../tensor/float-formats.js";
import { LEVEL_TABLES } from "../tensor/level-tables.js";
import { packingFor } from "../tensor/packing.js";
import type { EncodeOptions, Grid, RangeSearch, Rounding, ScaleFormat, Scaling } from "./jobs.js";

const FLOATS = [
  ...(["float8e4m3fn", "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz"] as const),
  ...(["float6e3m2", "float6e2m3", "float4e2m1"] as const),
];
const integers = (low: number, high: number): Grid => ({ kind: "integer", low, high });
const codebook = fc
  .uniqueArray(fc.double({ min: -2, max: 2, noNaN: true }).map(Math.fround), { minLength: 1, maxLength: 40 })
  .map((levels) => gridOf(levels, "lower"));

const integerGrid = fc.constantFrom(
  ...[integers(-128, 127), integers(-127, 127), integers(0, 255), integers(-8, 7), integers(-4, 3)],
  ...[integers(0, 7), integers(-2, 1), integers(0, 3), integers(-1, 1), integers(-32, 31), integers(-16, 15)],
);
const levelGrid = fc.oneof(
  codebook,
  fc.constantFrom(
    gridOf(floatLevels("float8e4m3fn"), "even-code"),
    gridOf(floatLevels("float4e2m1"), "even-code"),
    gridOfFloat("float8e5m2fnuz"),
    gridOfFloat("float8e4m3fn"),
    gridOfFloat("float6e3m2"),
    gridOfFloat("float4e2m1"),
    ...Object.values(LEVEL_TABLES).map(gridOfTable),
  ),
);

const range: fc.Arbitrary<RangeSearch> = fc.oneof(
  fc.constant({ kind: "absmax" as const }),
  fc.record({ kind: fc.constant("mse" as const), steps: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ kind: fc.constant("percentile" as const), percentile: fc.constantFrom(0, 50, 90, 99.9, 100) }),
);
const rounding: fc.Arbitrary<Rounding> = fc.oneof(
  { weight: 2, arbitrary: fc.constant({ kind: "nearest" as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("stochastic" as const),
      seed: fc.integer(),
      first: fc.constantFrom(0, 7, 2 ** 32 - 20, 2 ** 40 + 3),
    }),
  },
);
const scaleFormat: fc.Arbitrary<ScaleFormat> = fc.constantFrom(
  ...(["float32", "float16", "shared16", "float8e4m3fn"] as const),
);

/** What the grid does not decide. */
const common = fc.record({
  along: fc.constantFrom("rows" as const, "columns" as const),
  block: fc.oneof(fc.constantFrom(16, 32, 1000), fc.integer({ min: 2, max: 20 })),
  range,
  rounding,
  scaleFormat,
  tensorScale: fc.constantFrom(1, 1, 0.37, 1e-3, 100),
  order: fc.constantFrom("own" as const, "own" as const, "outer" as const),
  spread: fc.nat(4),
});

type Shape = Pick<EncodeOptions, "from" | "rows" | "columns">;
interface Common
  extends Pick<EncodeOptions, "along" | "block" | "range" | "rounding" | "scaleFormat" | "tensorScale" | "order"> {
  readonly spread: number;
}

function encodeAgrees(bytes: Uint8Array, shape: Shape, given: Common, grids: readonly Grid[], scaling: Scaling): void {
  const { spread, ...rest } = given;
  const levels = Math.max(
    ...grids.map((grid) => (grid.kind === "integer" ? grid.high - grid.low : Math.max(...grid.codes)) + 1),
  );
  const packing = packingFor(Math.max(2, levels));
  const blockwise = scaling.kind !== "none" && scaling.kind !== "given";
  const whole = packing.planes.every(({ each }) => rest.block % each === 0);
  const keep = spread % 2 === 0 ? ("rows" as const) : ("columns" as const);
  const size = blockwise && keep === rest.along ? rest.block : 1 + spread;
  agree(
    "encode",
    bytes,
    {
      ...shape,
      ...rest,
      grids,
      scaling,
      packing,
      gridAlong: grids.length > 1 ? { keep, size, first: size * spread } : undefined,
      order: blockwise && whole ? rest.order : "own",
    },
    { nearly: ["squaredError"] },
  );
}

test("integers, blockwise", () => {
  const scaling = fc.constantFrom(...(["signed", "absolute", "affine", "mean"] as const));
  fc.assert(
    fc.property(matrix, common, integerGrid, scaling, ({ bytes, ...shape }, given, grid, kind) => {
      if (grid.kind !== "integer") return;
      const signed = grid.low < 0 ? kind : "affine";
      const small = grid.high - grid.low <= 2 || signed !== "mean" ? signed : "absolute";
      encodeAgrees(bytes, shape, given, [grid], { kind: small });
    }),
    { numRuns: 800 },
  );
});

test("levels, blockwise", () => {
  fc.assert(
    fc.property(matrix, common, levelGrid, fc.boolean(), ({ bytes, ...shape }, given, grid, exponents) => {
      const few = grid.levels.length <= 3;
      const scaleFormat = exponents && !few ? "float8e8m0" : given.scaleFormat;
      encodeAgrees(bytes, shape, { ...given, scaleFormat }, [grid], { kind: few ? "mean" : "absolute" });
    }),
    { numRuns: 700 },
  );
});

test("scales given, or none", () => {
  const some = fc.record({ scales: fc.array(value, { minLength: 1, maxLength: 50 }), zero: fc.nat(3), keep });
  fc.assert(
    fc.property(matrix, common, fc.oneof(integerGrid, levelGrid), some, fc.boolean(), (m, given, grid, s, unscaled) => {
      const { bytes, ...shape } = m;
      const scales = Float32Array.from(s.scales);
      const points = grid.kind === "integer" && s.zero > 0;
      const zeroPoints = points
        ? Uint8Array.from(scales, (_, i) => (s.zero * i) % (grid.high - grid.low + 1))
        : undefined;
      encodeAgrees(
        bytes,
        shape,
        given,
        [grid],
        unscaled ? { kind: "none" } : { kind: "given", scales, zeroPoints, keep: s.keep },
      );
    }),
    { numRuns: 600 },
  );
});

test("a grid for each group of rows or columns", () => {
  const some = fc.record({ scales: fc.array(value, { minLength: 1, maxLength: 50 }), keep });
  fc.assert(
    fc.property(
      matrix,
      common,
      fc.array(codebook, { minLength: 2, maxLength: 5 }),
      some,
      fc.nat(2),
      (m, given, grids, s, k) => {
        const { bytes, ...shape } = m;
        const scales = Float32Array.from(s.scales);
        const kinds = [{ kind: "none" }, { kind: "absolute" }, { kind: "given", scales, keep: s.keep }] as const;
        encodeAgrees(bytes, shape, given, grids, kinds[k]!);
      },
    ),
    { numRuns: 600 },
  );
});

test("across the borders of chunks, and with tables of guesses", () => {
  const values = Float32Array.from({ length: 90 * 1000 }, (_, i) => Math.sin(i * 1.3) * (i % 77) * 0.03);
  const bytes = new Uint8Array(values.buffer);
  const plain = {
    from: "float32",
    range: { kind: "absmax" },
    rounding: { kind: "nearest" },
    scaleFormat: "shared16",
  } as const;
  const tables = [
    gridOfFloat("float8e4m3fn"),
    gridOf(floatLevels("float6e2m3"), "even-code"),
    gridOf([0, -0.3, 0.3, 1e-30, -1e-38, 1.5], "even-code"),
  ] as const;
  for (const [rows, columns] of [
    [90, 1000],
    [1000, 90],
    [1, 90_000],
    [90_000, 1],
  ] as const) {
    for (const along of ["rows", "columns"] as const) {
      const shape = { ...plain, rows, columns, along, block: 32, tensorScale: 1, spread: 0 };
      encodeAgrees(bytes, shape, { ...shape, order: "outer" }, [integers(-8, 7)], { kind: "signed" });
      for (const grid of tables) encodeAgrees(bytes, shape, { ...shape, order: "own" }, [grid], { kind: "absolute" });
      encodeAgrees(bytes, shape, { ...shape, order: "own" }, [tables[2], tables[1]], { kind: "none" });
      encodeAgrees(bytes, shape, { ...shape, order: "own" }, [integers(-1, 1)], { kind: "none" });
    }
  }
});

test("searches through blocks of hundreds of values, of which some are lost early", () => {
  const [rows, columns] = [300, 301];
  const values = Float32Array.from(
    { length: rows * columns },
    (_, i) => Math.sin(i * 1.3) ** 5 * ((i % 77) + 1) * 0.03,
  );
  const bytes = new Uint8Array(values.buffer);
  const plain = { from: "float32", rows, columns, rounding: { kind: "nearest" }, scaleFormat: "shared16" } as const;
  const tables = [
    integers(-2, 1),
    gridOfFloat("float4e2m1"),
    gridOfTable(LEVEL_TABLES.nf4),
    gridOf([...values.slice(0, 30)], "lower"),
  ];
  for (const along of ["rows", "columns"] as const) {
    const shape = { ...plain, along, tensorScale: 1, spread: 0, order: "own" } as const;
    const mse = { kind: "mse", steps: 7 } as const;
    for (const grid of tables) {
      const scaling = { kind: grid.kind === "integer" ? "signed" : "absolute" } as const;
      encodeAgrees(bytes, shape, { ...shape, block: 295, range: mse }, [grid], scaling);
    }
    encodeAgrees(bytes, shape, { ...shape, block: 295, range: mse }, [integers(-1, 1)], { kind: "mean" });
    encodeAgrees(
      bytes,
      shape,
      { ...shape, block: 148, range: { kind: "percentile", percentile: 99 } },
      [integers(-8, 7)],
      {
        kind: "signed",
      },
    );
  }
});

test("levels are right at every upper half of a float32, and at their thresholds", () => {
  const words = Uint32Array.from(
    { length: 3 * 65536 },
    (_, i) => (((i >>> 0) % 65536) << 16) | [0, 0x8000, 0xffff][(i / 65536) | 0]!,
  );
  const bytes = new Uint8Array(words.buffer);
  const shape = { from: "float32", rows: 3, columns: 65536 } as const;
  const given = { along: "columns", block: 2, range: { kind: "absmax" }, rounding: { kind: "nearest" } } as const;
  const rest = { ...given, scaleFormat: "float32", tensorScale: 1, order: "own", spread: 0 } as const;
  for (const name of FLOATS) {
    const grid = gridOfFloat(name);
    encodeAgrees(bytes, shape, rest, [grid], { kind: "none" });
    const around = Float32Array.from(
      [...grid.thresholds, ...grid.levels].flatMap((x) => [x, -x, x * (1 + 2e-7), x * (1 - 2e-7)]),
    );
    const row = { ...shape, rows: 1, columns: around.length };
    encodeAgrees(new Uint8Array(around.buffer), row, rest, [grid], { kind: "none" });
  }
  const lists = [
    floatLevels("float8e5m2"),
    [0],
    [1, 2],
    [-1, -(2 ** -140), 2 ** -130, 3e38, -3e38],
    LEVEL_TABLES.nf4.levels,
  ];
  for (const levels of lists) {
    for (const tie of ["lower", "upper", "inward", "even-code"] as const) {
      encodeAgrees(bytes, shape, rest, [gridOf(levels, tie)], { kind: "none" });
    }
  }
});

test("options without a meaning are refused", () => {
  const shape = { from: "float32", rows: 1, columns: 4 } as const;
  const rest = { along: "columns", block: 4, range: { kind: "absmax" }, rounding: { kind: "nearest" } } as const;
  const given = {
    ...shape,
    ...rest,
    scaleFormat: "float32",
    tensorScale: 1,
    order: "own",
    packing: packingFor(4),
  } as const;
  const run = (more: Partial<EncodeOptions>) => () =>
    agree("encode", new Uint8Array(16), { ...given, grids: [integers(-2, 1)], scaling: { kind: "signed" }, ...more });
  expect(run({})).not.toThrow();
  expect(run({ grids: [] })).toThrow("grids");
  expect(run({ scaling: { kind: "none" }, order: "outer" })).toThrow("outer");
  expect(run({ block: 2, order: "outer" })).toThrow("whole bytes");
  expect(run({ scaleFormat: "float8e8m0" })).toThrow("powers of two");
  expect(run({ grids: [gridOf([0, 1], "lower")] })).toThrow("levels");
  expect(run({ packing: packingFor(65536) })).toThrow("65536");
});
