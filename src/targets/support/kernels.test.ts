// The tables are read whole, and say what is known of some operators; each target explains each of its choices.

import { describe, expect, it } from "vitest";
import type { DType } from "../../tensor/dtype.js";
import { targets } from "../index.js";
import { firstVersion, kernelsOf, PROVIDERS, type ProviderName, schemaOf, sourceOf, takes } from "./kernels.js";
import { cpu } from "./tables/cpu.js";
import { cuda } from "./tables/cuda.js";
import { dml } from "./tables/dml.js";
import { schemas } from "./tables/schemas.js";
import { webgpu } from "./tables/webgpu.js";
import { webgpuWasm } from "./tables/webgpu-wasm.js";

const runs = (provider: ProviderName, opType: string, opset: number, types: Readonly<Record<string, DType>>) => {
  const [domain = "", name = ""] = opType.includes(":") ? opType.split(":") : ["", opType];
  const kernels = kernelsOf(provider, domain, name, schemaOf(domain, name, opset)?.since ?? 0);
  return kernels !== undefined && takes(kernels, new Map(Object.entries(types)));
};

it("finds the version of an operator that holds at an opset", () => {
  expect(schemaOf("", "Abs", 12)).toMatchObject({ since: 6, inputs: ["T"], outputs: ["T"] });
  expect(schemaOf("", "Abs", 26)?.since).toBe(13);
  expect(schemaOf("", "Gelu", 19)).toBeUndefined();
  expect(firstVersion("", "Gelu")).toBe(20);
  expect(firstVersion("", "Nothing")).toBeUndefined();
  expect(schemaOf("", "DequantizeLinear", 18)?.outputs).toEqual(["=f"]);
});

it("knows kernels by version and element types", () => {
  expect(runs("cpu", "MatMul", 21, { T: "float32" })).toBe(true);
  expect(runs("cpu", "MatMul", 21, { T: "float16" })).toBe(false);
  expect(runs("webgpu", "MatMul", 21, { T: "float16" })).toBe(true);
  expect(runs("webgpu", "QuantizeLinear", 21, {})).toBe(false);
  expect(runs("wasm", "QuantizeLinear", 21, { T1: "float32", T2: "uint8" })).toBe(true);
  expect(runs("cpu", "DequantizeLinear", 21, { T1: "int2" })).toBe(false);
  expect(runs("cpu", "DequantizeLinear", 25, { T1: "int2" })).toBe(true);
  expect(runs("cuda", "com.microsoft:MatMulNBits", 1, { T1: "float16", T2: "uint8" })).toBe(true);
  expect(runs("dml", "com.microsoft:MatMulBnb4", 1, {})).toBe(false);
  // Types that go together: int64 indices and depth with float values, but not float16 ones.
  expect(runs("cpu", "OneHot", 21, { T1: "int64", T2: "int64", T3: "float32" })).toBe(true);
  expect(runs("cpu", "OneHot", 21, { T1: "int64", T2: "int64", T3: "float16" })).toBe(false);
});

it("has kernels of operators that are defined, at versions that they have", () => {
  const table = (text: string) =>
    text
      .trim()
      .split("\n")
      .map((line) => line.split(" "))
      .map(([name = "", ...versions]) => [name, versions.map((one) => Number.parseInt(one, 10))] as const);
  const defined = new Map(table(schemas.rows));
  expect(defined.size).toBeGreaterThan(300);
  for (const [name, rows] of Object.entries({ cpu, cuda, dml, webgpu, webgpuWasm }).map(
    ([name, { rows }]) => [name, table(rows)] as const,
  )) {
    expect(rows.length, name).toBeGreaterThan(140);
    for (const [operator, versions] of rows) {
      expect(defined.get(operator), `${name} ${operator}`).toEqual(expect.arrayContaining(versions));
    }
  }
});

describe.each(targets.list.map((target) => [target.name, target] as const))("target %s", (_, target) => {
  it("says why for each of its choices, and where its kernels are known from", () => {
    expect(Object.keys(target.why).sort()).toEqual(Object.keys(target.fast).sort());
    for (const why of Object.values(target.why)) expect(why).toMatch(/^\S.{20,300}[^.]$/);
    for (const { providers } of target.runtimes) {
      for (const provider of providers) {
        expect(PROVIDERS[provider]).toBeDefined();
        expect(sourceOf(provider)).toMatch(/onnxruntime/);
      }
    }
    for (const { form, block = [] } of target.alignment) {
      expect(target.fast[form], form).not.toEqual([]);
      expect(block.every((size) => size >= 16)).toBe(true);
    }
  });

  it("says fast only of what has a kernel there", () => {
    const everywhere = (opType: string, types: Readonly<Record<string, DType>>) =>
      target.runtimes.every(({ providers }) => runs(providers[0], opType, 21, types));
    const { fast } = target;
    if (fast.matMulNBits.length > 0) {
      expect(everywhere("com.microsoft:MatMulNBits", { T1: "float32", T2: "uint8" })).toBe(true);
    }
    if (fast.gatherBlockQuantized) expect(everywhere("com.microsoft:GatherBlockQuantized", { T1: "uint4" })).toBe(true);
    if (fast.dynamicInt8) expect(everywhere("MatMulInteger", { T1: "uint8", T2: "int8" })).toBe(true);
    if (fast.staticInt8.length > 0) expect(everywhere("QLinearConv", { T1: "uint8", T2: "int8" })).toBe(true);
    if (fast.float16) expect(everywhere("MatMul", { T: "float16" })).toBe(true);
  });
});
