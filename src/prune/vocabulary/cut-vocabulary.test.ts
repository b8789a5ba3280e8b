// Rows of tables that are gone: results for tokens that stay, tokens that are taken as another, and what is refused.

import fc from "fast-check";
import { expect, test } from "vitest";
import { model as made, weight } from "../../../tests/support/proved.js";
import { expectSameResults } from "../../../tests/support/same-results.js";
import { services } from "../../../tests/support/services.js";
import { run } from "../../engine/run.js";
import type { GraphBuilder } from "../../ir/build.js";
import { float32, int64, tensor } from "../../tensor/tensor.js";
import { cutVocabulary } from "./cut-vocabulary.js";
import { someRows } from "./rows.js";
import { parseTokens } from "./token-list.js";

const [ROWS, WIDTH] = [12, 4];
const ids = (...tokens: number[]) => ({
  ids: { dtype: "int64", dims: [1, tokens.length], data: BigInt64Array.from(tokens, BigInt) } as const,
});

const embedded = (b: GraphBuilder) => {
  b.input("ids", "int64", [1, "n"]);
  b.initializer("table", weight([ROWS, WIDTH], 3));
  return b.node("Gather", ["table", "ids"]);
};
const plain = made((b) => {
  const x = embedded(b);
  // The ids themselves stay what they are for others.
  const used = b.node("Cast", ["ids"], { attributes: { to: 1 } });
  b.output(b.node("Mul", [x, b.node("Unsqueeze", [used, b.initializer("last", int64([1], [-1]))])]), "float32");
});

test("tokens that stay give what they gave; others are taken as the stated one", async () => {
  const tokens = [9, 2, 3, 7, 2];
  const { model, rows, bytes, notes } = await cutVocabulary(plain, { tokens, unknown: 3 }, services);
  expect(rows).toEqual({ before: ROWS, after: 4 });
  expect(bytes).toEqual({ before: ROWS * WIDTH * 4, after: 4 * WIDTH * 4 + 4 * ROWS });
  expect(model.graph.initializers.get("table")!.dims).toEqual([4, WIDTH]);
  expect(notes.map(({ code }) => code)).toEqual(["cut-vocabulary"]);
  await expectSameResults(plain, model, ids(7, 2, 9, 9, 3));
  // Ids from the end are those of the whole table.
  await expectSameResults(plain, model, ids(-3, -5, 2));
  const gone = (await run(model, ids(5), services, {}))[model.graph.outputs[0]!.name]!.data as Float32Array;
  const unknown = (await run(plain, ids(3), services, {}))[plain.graph.outputs[0]!.name]!.data as Float32Array;
  expect([...gone].map((x) => x / 5)).toEqual([...unknown].map((x) => expect.closeTo(x / 3, 6)));
});

test("several lookups of one table, and one through a Cast of float16", async () => {
  const model = made((b) => {
    const [first, second] = [b.input("ids", "int64", [1, "n"]), b.input("more", "int64", [1, "n"])];
    b.initializer(
      "half",
      tensor(
        "float16",
        [ROWS, 2],
        Uint16Array.from({ length: 2 * ROWS }, (_, i) => 0x3c00 + 17 * i),
      ),
    );
    const wide = b.node("Cast", ["half"], { attributes: { to: 1 } });
    const rows = [first, second, first].map((name) => b.node("Gather", [wide, name]));
    b.output(b.node("Sum", rows), "float32");
  });
  const cut = await cutVocabulary(model, { tokens: [0, 1, 5, 11], unknown: 0 }, services);
  expect(cut.model.graph.nodes.filter(({ opType }) => opType === "Gather").length).toBe(5);
  await expectSameResults(model, cut.model, { ...ids(11, 5, 0), more: ids(1, 1, 5).ids });
});

const tied = (how: "MatMul" | "Gemm") =>
  made((b) => {
    const x = embedded(b);
    const flat = b.node("Reshape", [x, b.initializer("flat", int64([2], [-1, WIDTH]))]);
    const bias = b.initializer("bias", weight([ROWS], 8));
    b.output(
      how === "Gemm"
        ? b.node("Gemm", [flat, "table", bias], { attributes: { transB: 1 } })
        : b.node("Add", [b.node("MatMul", [x, b.node("Transpose", ["table"])]), bias]),
      "float32",
    );
  });

test.each(["MatMul", "Gemm"] as const)("logits with the same table: refused, or scattered (%s)", async (how) => {
  const model = tied(how);
  const options = { tokens: [1, 4, 6], unknown: 1 };
  await expect(cutVocabulary(model, options, services)).rejects.toMatchObject({ code: "vocabulary-tied" });
  const cut = await cutVocabulary(model, { ...options, logits: "scatter" }, services);
  const name = model.graph.outputs[0]!.name;
  const [before, after] = [await run(model, ids(4, 6), services), await run(cut.model, ids(4, 6), services)];
  expect(after[name]!.dims).toEqual(before[name]!.dims);
  const [a, b] = [before[name]!.data, after[name]!.data] as [Float32Array, Float32Array];
  b.forEach((x, at) => {
    if (options.tokens.includes(at % ROWS)) expect(x).toBeCloseTo(a[at]!, 5);
    else expect(x).toBeLessThan(-1e8);
  });
});

test("the table of the inputs is taken, or the one that is named", async () => {
  const model = made((b) => {
    const x = embedded(b);
    b.input("kind", "int64", [1, "n"]);
    const kinds = b.node("Gather", [b.initializer("kinds", weight([3, WIDTH], 4)), "kind"], {
      name: "kinds of tokens",
    });
    b.output(b.node("Add", [x, kinds]), "float32");
  });
  const first = await cutVocabulary(model, { tokens: [1], unknown: 1 }, services);
  expect(first.table).toBe("table");
  expect(first.notes.find(({ code }) => code === "vocabulary-chosen")?.text).toContain("kinds");
  const named = await cutVocabulary(model, { tokens: [1], unknown: 1, table: "kinds of*" }, services);
  expect(named.table).toBe("kinds");
});

test("what is refused says why", async () => {
  const cut = (tokens: number[], unknown?: number) => cutVocabulary(plain, { tokens, unknown }, services);
  await expect(cut([1, ROWS], 1)).rejects.toMatchObject({ code: "vocabulary-id", found: String(ROWS) });
  await expect(cut([1, 2])).rejects.toMatchObject({ code: "vocabulary-unknown" });
  await expect(cut([1, 2], 3)).rejects.toMatchObject({ code: "vocabulary-unknown", found: "3" });
  const whole = await cut(Array.from({ length: ROWS }, (_, i) => i));
  expect(whole.model).toBe(plain);
  const summed = made((b) => {
    b.output(b.node("Add", [embedded(b), b.node("ReduceSum", ["table"])]), "float32");
  });
  await expect(cutVocabulary(summed, { tokens: [1], unknown: 1 }, services)).rejects.toMatchObject({
    code: "vocabulary-used",
    node: expect.stringContaining("ReduceSum"),
  });
  const none = made((b) => {
    b.output(b.node("Relu", [b.input("x", "float32", [2])]), "float32");
  });
  await expect(cutVocabulary(none, { tokens: [1], unknown: 1 }, services)).rejects.toMatchObject({
    code: "vocabulary-table",
  });
});

test("some rows are those rows, whatever the order of magnitude", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.nat(40), { minLength: 1 }),
      fc.integer({ min: 1, max: 5 }),
      async (list, width) => {
        const rows = list.sort((a, b) => a - b);
        const values = Float32Array.from({ length: 41 * width }, (_, i) => i);
        const some = someRows(float32([41, width], values), rows);
        expect(some.dims).toEqual([rows.length, width]);
        const bytes = await (some as { data: { read(): Promise<Uint8Array> } }).data.read();
        const expected = rows.flatMap((row) => [...values.subarray(row * width, (row + 1) * width)]);
        expect([...new Float32Array(bytes.slice().buffer)]).toEqual(expected);
      },
    ),
    { numRuns: 30 },
  );
});

test("a table larger than what is read at once", async () => {
  const rows = Array.from({ length: 3000 }, (_, i) => 2 * i);
  const values = Float32Array.from({ length: 6000 * 512 }, (_, i) => Math.floor(i / 512));
  const some = someRows(float32([6000, 512], values), rows) as { data: { stream(): AsyncIterable<Uint8Array> } };
  const found: number[] = [];
  let pieces = 0;
  for await (const piece of some.data.stream()) {
    pieces++;
    const numbers = new Float32Array(piece.slice().buffer);
    for (let i = 0; i < numbers.length; i += 512) found.push(numbers[i]!);
  }
  expect(pieces).toBeGreaterThan(2);
  expect(found).toEqual(rows);
});

test("lists of tokens", () => {
  expect(parseTokens("[3, 1]")).toEqual([3, 1]);
  expect(parseTokens("# words that stay\r\n3\n\n 12 \n")).toEqual([3, 12]);
  expect(parseTokens('{"the": 5, "a": 7}')).toEqual([5, 7]);
  expect(parseTokens("the\n7", { the: 4, "7": 9 })).toEqual([4, 9]);
  expect(parseTokens("[PAD]\n#", { "[PAD]": 0, "#": 1 })).toEqual([0, 1]);
  for (const [text, words] of [
    ["", {}],
    ["[1.5]", {}],
    ["[-1]", {}],
    ["[1", undefined],
    ["the", undefined],
    ["the", { a: 1 }],
    ["toString", { a: 1 }],
  ] as const) {
    expect(() => parseTokens(text, words), text).toThrow(expect.objectContaining({ code: "token-list" }));
  }
});

test("a value of another rank is looked up too", async () => {
  const model = made((b) => {
    b.input("id", "int32", []);
    b.output(b.node("Gather", [b.initializer("table", weight([ROWS, WIDTH], 3)), "id"]), "float32");
  });
  const cut = await cutVocabulary(model, { tokens: [3, 4], unknown: 4 }, services);
  await expectSameResults(model, cut.model, { id: { dtype: "int32", dims: [], data: Int32Array.of(3) } });
});
