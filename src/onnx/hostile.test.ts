// Files made to harm: each is refused with a clear error, without taking memory for what it claims.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import {
  decodeBytes,
  field,
  fixtureBytes,
  modelFile,
  number,
  tensorFields,
  text,
  varint,
} from "../../tests/support/onnx-files.js";
import { describeError } from "../base/errors.js";
import { load } from "../load.js";

const tensor = (code: number, dims: readonly number[], ...more: number[][]) =>
  field(5, tensorFields("w", code, dims, ...more));
const negative = [...varint(8), 255, 255, 255, 255, 255, 255, 255, 255, 255, 1];
const huge = [...varint(8), 255, 255, 255, 255, 255, 255, 255, 255, 127];

function nested(levels: number): number[] {
  let graph: number[] = field(2, text("inner"));
  for (let i = 0; i < levels; i++)
    graph = field(1, field(5, [...field(1, text("body")), ...field(6, graph), ...number(20, 5)]));
  return graph;
}

const CASES: Readonly<Record<string, readonly [code: string, file: Uint8Array]>> = {
  "cut off in a payload": ["file-truncated", modelFile(tensor(2, [4], field(9, [1, 2, 3, 4]))).subarray(0, -2)],
  "cut off in a number": ["file-truncated", Uint8Array.of(8, 128)],
  "a payload longer than the file": [
    "file-truncated",
    Uint8Array.from([...number(1, 8), ...varint(58), ...varint(2 ** 52)]),
  ],
  "a payload longer than its tensor": ["length-past-end", modelFile(tensor(2, [4], field(9, [1], 2 ** 40)))],
  "a name longer than its graph": ["length-past-end", modelFile(field(2, text("a"), 10), [])],
  "a length of more than ten bytes": ["protobuf-broken", Uint8Array.from([58, ...new Array(11).fill(255)])],
  "field number zero": ["protobuf-broken", Uint8Array.of(8, 8, 0, 0)],
  "a wrong wire type": ["protobuf-broken", modelFile(field(5, [...varint(9 * 8), 1, ...number(8, 1)]))],
  "a group": ["protobuf-group", modelFile([...varint(40 * 8 + 3), ...varint(40 * 8 + 4)])],
  "packed numbers cut in the middle": ["protobuf-broken", modelFile(field(1, field(5, field(8, [128]))))],
  "packed floats cut in the middle": ["protobuf-broken", modelFile(field(1, field(5, field(7, [1, 2, 3]))))],
  "a string that is not UTF-8": ["protobuf-broken", modelFile(field(2, [255, 254]))],
  "nested too deep": ["nesting-too-deep", modelFile(nested(60))],
  "a negative dimension": [
    "tensor-dims",
    modelFile(field(5, [...negative, ...number(2, 1), ...field(9, [1, 2, 3, 4])])),
  ],
  "dimensions that overflow": ["tensor-dims", modelFile(field(5, [...huge, ...huge, ...number(2, 1)]))],
  "bytes that overflow": ["tensor-dims", modelFile(tensor(15, [2 ** 26, 2 ** 26]))],
  "too many dimensions": ["tensor-rank", modelFile(tensor(1, new Array(65).fill(1), field(9, [1, 2, 3, 4])))],
  "less data than dimensions": ["tensor-size", modelFile(tensor(1, [2], field(9, [1, 2, 3, 4])))],
  "more data than dimensions": ["tensor-size", modelFile(tensor(2, [2], field(9, [1, 2, 3])))],
  "terabytes claimed by a dimension": ["tensor-size", modelFile(tensor(1, [2 ** 40], field(9, [1, 2, 3, 4])))],
  "terabytes claimed by packed numbers": ["tensor-size", modelFile(tensor(7, [2 ** 40], field(7, [1, 2])))],
  "fewer packed numbers than elements": ["tensor-size", modelFile(tensor(7, [3], field(7, [1, 128, 1])))],
  "no data": ["tensor-data-missing", modelFile(tensor(1, [2]))],
  "data in two fields": [
    "tensor-two-payloads",
    modelFile(tensor(1, [1], field(9, [0, 0, 0, 0]), field(4, [0, 0, 0, 0]))),
  ],
  "data in the field of another type": ["tensor-field", modelFile(tensor(1, [4], field(5, [1, 1, 1, 1])))],
  "fewer strings than elements": ["tensor-size", modelFile(tensor(8, [2], field(6, [65])))],
  "a type that ONNX does not have": ["dtype-unknown", modelFile(tensor(99, [1], field(9, [1])))],
  "a segment of a tensor": ["tensor-segment", modelFile(tensor(2, [1], field(3, number(1, 0)), field(9, [1])))],
  "two initializers of one name": [
    "initializer-twice",
    modelFile(tensor(2, [1], field(9, [1])), tensor(2, [1], field(9, [1]))),
  ],
  "two attributes of one name": [
    "attribute-twice",
    modelFile(
      field(1, [...field(5, [...field(1, [65]), ...number(3, 1)]), ...field(5, [...field(1, [65]), ...number(3, 2)])]),
    ),
  ],
  "an attribute of nothing": ["attribute-empty", modelFile(field(1, field(5, field(1, [65]))))],
  "an attribute with a tensor it does not own up to": [
    "attribute-two-values",
    modelFile(
      field(1, field(5, [...field(1, [65]), ...number(3, 1), ...number(20, 2), ...field(5, tensorFields("", 2, [0]))])),
    ),
  ],
  "a sparse tensor whose parts disagree": [
    "sparse-shape",
    modelFile(
      field(15, [
        ...field(1, tensorFields("s", 2, [2], field(9, [1, 2]))),
        ...field(2, tensorFields("", 7, [1], field(7, [1]))),
        ...number(3, 9),
      ]),
    ),
  ],
  "no graph": ["not-onnx", Uint8Array.from(number(1, 8))],
};

describe("hostile files", () => {
  for (const [what, [code, file]] of Object.entries(CASES)) {
    it(`${what}: ${code}`, async () => {
      await expect(decodeBytes(file)).rejects.toMatchObject({ name: "PareError", code });
    });
  }

  it("every real file cut off anywhere is refused or a smaller message, and never a crash", async () => {
    const bytes = fixtureBytes("kinds.onnx");
    for (let length = 0; length < bytes.length; length += 37) {
      await decodeBytes(bytes.subarray(0, length)).then(
        // A cut between two fields of the model leaves a well-formed message.
        (model) => expect(model.graph.name).toBe("kinds"),
        (error: unknown) => expect(error).toMatchObject({ name: "PareError" }),
      );
    }
  });
});

describe("external data", () => {
  const root = mkdtempSync(join(tmpdir(), "pare-external-"));
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  const inside = join(root, "model");
  mkdirSync(join(inside, "folder"), { recursive: true });
  writeFileSync(join(root, "secret"), "secret!!");
  writeFileSync(join(inside, "good.bin"), "12345678");
  symlinkSync(join(root, "secret"), join(inside, "link.bin"));
  symlinkSync(root, join(inside, "up"));

  const pair = (key: string, value: string) => field(13, [...field(1, text(key)), ...field(2, text(value))]);
  const attempt = (name: string, entries: Readonly<Record<string, string>>) => {
    const external = Object.entries(entries).map(([key, value]) => pair(key, value));
    const path = join(inside, `${name}.onnx`);
    writeFileSync(path, modelFile(tensor(2, [8], number(14, 1), ...external)));
    return load(path);
  };

  const refused: Readonly<Record<string, readonly [code: string, entries: Readonly<Record<string, string>>]>> = {
    above: ["external-path", { location: "../secret" }],
    "above by a detour": ["external-path", { location: "a/../../secret" }],
    absolute: ["external-path", { location: join(root, "secret") }],
    drive: ["external-path", { location: "C:\\secret" }],
    backslashes: ["external-path", { location: "..\\secret" }],
    "the folder": ["external-path", { location: "." }],
    "a zero byte": ["external-path", { location: "good.bin\0" }],
    "a link to outside": ["external-path", { location: "link.bin" }],
    "through a linked folder": ["external-path", { location: "up/secret" }],
    "no location": ["external-location", { offset: "0" }],
    missing: ["external-missing", { location: "none.bin" }],
    "past the end": ["external-too-short", { location: "good.bin", offset: "1" }],
    "far past the end": ["external-too-short", { location: "good.bin", offset: "9007199254740991" }],
    "an offset that is no number": ["external-entry", { location: "good.bin", offset: "-1" }],
    "an offset too large": ["external-entry", { location: "good.bin", offset: "99999999999999999" }],
    "another length": ["tensor-size", { location: "good.bin", length: "7" }],
    "a folder for a file": ["not-a-file", { location: "folder" }],
  };
  for (const [name, [code, entries]] of Object.entries(refused)) {
    it(`${name}: ${code}`, async () => {
      await expect(attempt(name, entries)).rejects.toMatchObject({ name: "PareError", code });
    });
  }

  it("is read where it is inside, by whatever way the model is named", async () => {
    await attempt("fine", { location: "./good.bin" });
    symlinkSync(inside, join(root, "elsewhere"));
    symlinkSync(join(inside, "fine.onnx"), join(root, "linked.onnx"));
    for (const path of [join(root, "elsewhere", "fine.onnx"), join(root, "linked.onnx")]) {
      const weight = (await load(path)).graph.initializers.get("w");
      if (weight === undefined || weight.sparse) throw new Error("lost");
      expect(new TextDecoder().decode(await weight.data.read())).toBe("12345678");
    }
  });

  it("is read through the links of a hub's cache", async () => {
    const blobs = join(root, "blobs");
    const snapshot = join(root, "snapshots", "abc");
    mkdirSync(blobs);
    mkdirSync(snapshot, { recursive: true });
    writeFileSync(join(blobs, "1"), modelFile(tensor(2, [8], number(14, 1), pair("location", "m.data"))));
    writeFileSync(join(blobs, "2"), "abcdefgh");
    symlinkSync("../../blobs/1", join(snapshot, "m.onnx"));
    symlinkSync("../../blobs/2", join(snapshot, "m.data"));
    const weight = (await load(join(snapshot, "m.onnx"))).graph.initializers.get("w");
    if (weight === undefined || weight.sparse) throw new Error("lost");
    expect(new TextDecoder().decode(await weight.data.read())).toBe("abcdefgh");
  });

  it("says how to reach it when only bytes were given", async () => {
    const file = modelFile(tensor(2, [8], number(14, 1), pair("location", "w.bin")));
    const error = await decodeBytes(file).catch((thrown: unknown) => thrown);
    expect(describeError(error)).toContain("Load the model by its path or URL");
  });
});
