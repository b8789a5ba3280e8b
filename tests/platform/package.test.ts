// What a stranger gets: the packed files, installed into an empty folder, with onnxruntime-node and without it.

import { rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root } from "../support/root.js";
import { type Consumer, install, type Packed, pack } from "./consumer.js";

let packed: Packed;
beforeAll(() => {
  packed = pack();
});
afterAll(() => rmSync(dirname(packed.tarball), { recursive: true }));

describe("contents", () => {
  test("both builds, the types, the schemas and the papers are in it", () => {
    expect(packed.files).toEqual(
      expect.arrayContaining([
        "package.json",
        "README.md",
        "LICENSE",
        "dist/node/index.js",
        "dist/node/cli.js",
        "dist/browser/index.js",
        "dist/types/index.d.ts",
      ]),
    );
  });

  test("nothing else is", () => {
    const strange = packed.files.filter(
      (path) =>
        !/^(?:package\.json|README\.md|CHANGELOG\.md|LICENSE)$/.test(path) &&
        !/^dist\/(?:node|browser)\/[\w.-]+\.js$|^dist\/types\/[\w.-]+\.d\.ts$|^schema\/[\w.-]+\.json$/.test(path),
    );
    expect(strange).toEqual([]);
    expect(packed.unpackedBytes).toBeLessThan(6_000_000);
  });
});

const script = `
import { readFile } from "node:fs/promises";
import { compress, inspect, load, run, save, saveBytes } from "pare";
const model = await load("model.onnx");
const recipe = JSON.parse(process.argv[2]);
const { model: small, notes } = await compress(model, recipe);
const { bytes } = await save(small, "script.onnx");
const sample = (await readFile("samples.bin")).subarray(0, 490);
const data = Float32Array.from(new Int8Array(sample.buffer, sample.byteOffset, 490), (code) => (code - 83) * 0.5847029);
const feeds = { features: { dtype: "float32", dims: [1, 1, 49, 10], data } };
const first = (values) => Array.from(Object.values(values)[0].data);
const reference = first(await run(model, feeds));
const result = first(await run(await load("script.onnx"), feeds));
const same = Buffer.compare(Buffer.from(await saveBytes(small)), await readFile("script.onnx")) === 0;
const operators = (await inspect(model)).operators.length;
console.log(JSON.stringify({ bytes, notes: notes.length, reference, result, same, operators }));
`;
const recipe = JSON.stringify([{ method: "clean" }, { method: "quantize", weights: "int8", activations: "float" }]);

interface Said {
  bytes: number;
  reference: number[];
  result: number[];
  same: boolean;
  operators: number;
}
let native: Said | undefined;

describe.each([
  ["with onnxruntime-node", []],
  ["without the optional packages (WASM in Node)", ["--omit=optional"]],
])("installed %s", (_, flags) => {
  let consumer: Consumer;
  beforeAll(() => {
    consumer = install(packed.tarball, ...flags);
  }, 240_000);
  afterAll(() => consumer.remove());

  test("npx pare --version says the version of the package", () => {
    const { version } = JSON.parse(consumer.run("cat", "node_modules/pare/package.json")) as { version: string };
    expect(consumer.run("npx", "--no-install", "pare", "--version").trim()).toBe(version);
  });

  test("the library loads, compresses, saves and runs a model", { timeout: 120_000 }, () => {
    consumer.write("script.mjs", script);
    const said = JSON.parse(consumer.run("node", "script.mjs", recipe)) as Said;
    expect(said.same).toBe(true);
    expect(said.operators).toBeGreaterThan(3);
    expect(said.bytes).toBeLessThan(statSync(join(consumer.folder, "model.onnx")).size * 0.5);
    // 8-bit weights: a few hundredths of the largest logit.
    const largest = Math.max(...said.reference.map(Math.abs));
    expect(largestDifference(said.result, said.reference)).toBeLessThan(0.05 * largest);
    expect(largestDifference(said.result, said.reference)).toBeGreaterThan(0);
    // The same numbers whichever runtime is there.
    if (native) {
      expect(said.bytes).toBe(native.bytes);
      expect(largestDifference(said.result, native.result)).toBeLessThan(1e-4);
    }
    native ??= said;
  });

  test("npx pare compresses a model and proves it", { timeout: 240_000 }, () => {
    consumer.run("npx", "--no-install", "pare", "quantize", "model.onnx", "--weights", "float16", "-o", "cli.onnx");
    const sizes = ["model.onnx", "cli.onnx"].map((name) => statSync(join(consumer.folder, name)).size);
    expect(sizes[1]).toBeLessThan(sizes[0]! * 0.75);
    const found = JSON.parse(consumer.run("npx", "--no-install", "pare", "inspect", "cli.onnx", "--json")) as object;
    expect(Object.keys(found)).not.toEqual([]);
  });

  // The types are the same in both: once is enough.
  if (flags.length > 0) return;
  test("the types hold for a strict TypeScript user, in Node and in a bundler", { timeout: 120_000 }, () => {
    consumer.write("user.ts", user);
    const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
    const compile = (file: string, module: string, moduleResolution: string) => {
      // No ambient types: pare's own stand alone, beside those of the DOM.
      const base = {
        strict: true,
        noEmit: true,
        target: "es2022",
        lib: ["es2023", "dom", "dom.asynciterable"],
        types: [],
      };
      consumer.write(
        "tsconfig.json",
        JSON.stringify({ compilerOptions: { ...base, module, moduleResolution }, files: [file] }),
      );
      consumer.run("node", tsc, "-p", ".");
    };
    compile("user.ts", "nodenext", "nodenext");
    compile("user.ts", "esnext", "bundler");
    consumer.write(
      "wrong.ts",
      'import { load } from "pare";\nconst model: number = await load(1);\nexport { model };\n',
    );
    expect(() => compile("wrong.ts", "nodenext", "nodenext")).toThrow(/wrong\.ts.*TS2\d\d\d/);
  });
});

const user = `
import { compress, inspect, load, measure, PareError, run, save, saveBytes, type Model } from "pare";
export async function shrink(path: string): Promise<number> {
  const model: Model = await load(path);
  const { model: small, notes } = await compress(model, [{ method: "quantize", weights: "int8" }]);
  for (const note of notes) console.log(note.code, note.text);
  await save(small, "out.onnx");
  const report = await measure([model, small]);
  console.log(report, (await inspect(small)).operators.length, (await saveBytes(small)).byteLength);
  const answers = await run(small, { x: { dtype: "float32", dims: [1], data: new Float32Array(1) } });
  return Object.keys(answers).length;
}
export const codeOf = (error: unknown): string => (error instanceof PareError ? error.code : "other");
`;

const largestDifference = (a: readonly number[], b: readonly number[]): number => {
  if (a.length !== b.length || a.length === 0) return Number.NaN;
  return Math.max(...a.map((value, at) => Math.abs(value - b[at]!)));
};
