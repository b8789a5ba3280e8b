// What every number format, scheme, target and operator family promises, checked for all that are listed.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { operators } from "../../src/ops/index.js";
import { formats } from "../../src/quantize/formats/index.js";
import { makeNode } from "../../src/quantize/rewrite.js";
import { quantizeOptions } from "../../src/quantize/schema.js";
import { chooseScheme, schemes } from "../../src/quantize/schemes/index.js";
import { targets } from "../../src/targets/index.js";
import { DTYPES } from "../../src/tensor/dtype.js";
import { LEVEL_TABLES } from "../../src/tensor/level-tables.js";

describe.each(formats.list.map((format) => [format.name, format] as const))("number format %s", (_, format) => {
  it("has as many bits as the tensor type that holds it", () => {
    if (format.dtype) expect(format.bits).toBe(DTYPES[format.dtype].bits);
    expect(format.bits).toBeGreaterThanOrEqual(1);
  });

  if (format.kind === "learned") {
    it("has no numbers before they are learned", () => {
      expect(() => format.decode(0)).toThrow(/learned/);
      expect(() => format.encode(0)).toThrow(/learned/);
    });
    return;
  }
  const codes = format.table ? LEVEL_TABLES[format.table].levels.length : 2 ** format.bits;

  it("gives every code back that stands for a number", () => {
    for (let code = 0; code < codes; code++) {
      const value = format.decode(code);
      if (!Number.isFinite(value)) continue;
      // Of two zeros either may be written.
      expect(format.decode(format.encode(value)) + 0).toBe(value + 0);
      expect(value).toBeGreaterThanOrEqual(format.low);
      expect(value).toBeLessThanOrEqual(format.high);
    }
  });

  it("takes the nearest number, and saturates", () => {
    const all = Array.from({ length: codes }, (__, code) => format.decode(code)).filter(Number.isFinite);
    fc.assert(
      fc.property(fc.float({ noNaN: true, min: -100000, max: 100000 }), (value) => {
        const found = format.decode(format.encode(value));
        const nearest = all.reduce((best, one) => Math.min(best, Math.abs(one - value)), Number.POSITIVE_INFINITY);
        // FP4 compares with rounded middles, as its reference does.
        expect(Math.abs(found - value)).toBeLessThanOrEqual(nearest + (format.table ? 1e-6 : 0));
      }),
      { numRuns: format.bits === 16 ? 10 : 100 },
    );
  });
});

describe("integer formats", () => {
  it("round ties to even", () => {
    expect([0.5, 1.5, 2.5, 3.5].map((value) => formats.get("int8").encode(value))).toEqual([0, 2, 2, 4]);
    expect(formats.get("int8").decode(formats.get("int8").encode(-2.5))).toBe(-2);
  });
});

describe("schemes", () => {
  const choices = formats.list.flatMap(({ name: weights, computes }) =>
    (["float", "dynamic"] as const).flatMap((activations) =>
      computes
        ? (["compute", "stored"] as const).map((compute) => ({ weights, activations, compute }))
        : [{ weights, activations }],
    ),
  );
  const choose = (options: object, target = "any") => chooseScheme(quantizeOptions.parse(options), targets.get(target));

  it("serve any valid choice, exactly one each", () => {
    let valid = 0;
    for (const choice of choices) {
      const format = formats.get(choice.weights);
      if (choice.activations === "dynamic" && (format.bits !== 8 || format.kind !== "integer")) {
        expect(() => choose(choice)).toThrow(/8-bit weights/);
        continue;
      }
      valid++;
      expect(schemes.list).toContain(choose(choice).scheme);
    }
    // All, float16 twice, and int8 and uint8 with dynamic activations.
    expect(valid).toBe(formats.list.length + 3);
  });

  it("refuse options that contradict each other, with what to do", () => {
    const wrong = [
      { weights: "int8", io: "float16" },
      { weights: "int16", granularity: "block" },
      { weights: "codebook", granularity: "block" },
      { weights: "mxfp4", granularity: "channel" },
      { weights: "nvfp4", block: 32 },
      { weights: "float8e4m3fn", activations: "dynamic" },
      { activations: "dynamic", granularity: "block" },
      { form: "native", granularity: "tensor" },
      { weights: "nf4", range: "percentile" },
    ];
    for (const options of wrong) {
      expect(() => choose(options)).toThrow(
        expect.objectContaining({ code: "quantize-options", hint: expect.any(String) }),
      );
    }
    expect(() => quantizeOptions.parse({ block: 24 })).toThrow(/16, 32, 64, 128 or 256/);
  });
});

describe("an option that would do nothing", () => {
  const choose = (options: object, target = "any") => chooseScheme(quantizeOptions.parse(options), targets.get(target));
  const half = { weights: "float16" };
  const stored = { ...half, compute: "stored" };
  const dynamic = { activations: "dynamic" };
  const nothing: readonly (readonly [object, string])[] = [
    ...[half, stored].flatMap((one): [object, string][] => [
      [{ ...one, symmetric: true }, "symmetric"],
      [{ ...one, granularity: "channel" }, "granularity"],
      [{ ...one, block: 32 }, "block"],
      [{ ...one, form: "extract" }, "form"],
      [{ ...one, reduceRange: true }, "reduceRange"],
      [{ ...one, accuracyLevel: 4 }, "accuracyLevel"],
    ]),
    [{ ...stored, guard: "off" }, "guard"],
    [{ ...stored, io: "float16" }, "io"],
    [{ ...dynamic, form: "native" }, "form"],
    [{ ...dynamic, block: 64 }, "block"],
    [{ ...dynamic, symmetric: false }, "symmetric"],
    [{ compute: "stored" }, "compute"],
    [{ guard: "off" }, "guard"],
    [{ reduceRange: true }, "reduceRange"],
    [{ accuracyLevel: 4, form: "extract" }, "accuracyLevel"],
    [{ accuracyLevel: 4 }, "accuracyLevel"],
    [{ block: 64, granularity: "channel" }, "block"],
    [{ block: 64, form: "extract" }, "block"],
    [{ weights: "bfloat16", compute: "compute" }, "compute"],
    [{ weights: "nf4", symmetric: true }, "symmetric"],
    [{ weights: "int4", entries: 8 }, "entries"],
    [{ weights: "codebook", group: 2 }, "group"],
    [{ weights: "codebook", range: "mse" }, "range"],
    [{ weights: "binary", range: "mse" }, "range"],
    [{ weights: "mxfp4", range: "mse" }, "range"],
    [{ weights: "mxfp4", scales: "float32" }, "scales"],
    [{ weights: "int16", scales: "float16" }, "scales"],
    [{ weights: "int16", rounding: "stochastic" }, "rounding"],
    [{ percentile: 99 }, "percentile"],
    [{ weights: "int4", rangeSteps: 9 }, "rangeSteps"],
    [{ weights: "int4", seed: 1 }, "seed"],
    [{ weights: "float16", layers: [{ match: ["a"], keep: true }] }, "layers"],
  ];
  it.each(nothing)("%o is refused by name: %s", (options, name) => {
    expect(() => choose(options)).toThrow(
      expect.objectContaining({ code: "quantize-options", message: expect.stringContaining(`Option ${name} `) }),
    );
  });

  it("is taken where it does something", () => {
    expect(choose({ accuracyLevel: 1 }, "node").settings.accuracyLevel).toBe(1);
    expect(choose({ accuracyLevel: 0, form: "native" }).settings.form).toBe("native");
    expect(choose({ block: 64, granularity: "block" }).settings.block).toBe(64);
    expect(choose({ block: 128, weights: "int4" }).settings).toMatchObject({ block: 128, form: "auto", guard: "auto" });
    expect(choose({ weights: "int3" }).settings).toMatchObject({ range: "mse", block: 32, symmetric: true });
    expect(choose({ weights: "nvfp4", block: 16 }).settings.block).toBe(16);
    expect(choose({ weights: "int4", granularity: "channel" }).scheme.name).toBe("weight-only");
    expect(choose({ weights: "codebook", granularity: "channel", group: 8, entries: 4 }).settings.group).toBe(8);
    expect(choose({ weights: "bfloat16" }).scheme.name).toBe("stored");
    expect(choose({ ...half, io: "float16", guard: "off" }).settings.io).toBe("float16");
    expect(choose({ ...dynamic, reduceRange: false, granularity: "tensor" }).scheme.name).toBe("dynamic");
  });
});

describe.each(targets.list.map((target) => [target.name, target] as const))("target %s", (_, target) => {
  it("states what is fast with an accuracy level that has a kernel", () => {
    for (const { bits, accuracyLevel } of target.fast.matMulNBits) {
      expect([2, 4, 8]).toContain(bits);
      // 2 and 8 bits have a CPU kernel at level 4 only.
      if (bits !== 4) expect(accuracyLevel).toBe(4);
    }
    expect(target.heapLimit).toBeGreaterThan(2 ** 30);
  });
});

describe.each(operators.list.map((family) => [family.name, family] as const))("operator family %s", (_, family) => {
  const nodes = family.operators.map((key) => {
    const [domain, opType] = key.includes(":") ? (key.split(":") as [string, string]) : ["", key];
    return makeNode(opType, [..."abcdefgh"], ["y"], {}, domain);
  });

  it("names inputs and axes that do not coincide", () => {
    for (const node of nodes) {
      for (const use of family.weights?.(node) ?? []) {
        expect(use.input).toBeLessThan(8);
        if (use.role === "matrix" || use.role === "recurrent") expect(use.reductionAxis).not.toBe(use.outputAxis);
        else expect(use.reductionAxis).toBeUndefined();
      }
    }
  });

  it("does not count what it has not seen", () => {
    for (const node of nodes) expect([undefined, 0]).toContain(family.macs?.(node, new Map()));
  });
});
