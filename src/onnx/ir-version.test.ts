import { describe, expect, it } from "vitest";
import {
  decodeBytes,
  field,
  fixtureBytes,
  modelFile,
  number,
  tensorFields,
  text,
} from "../../tests/support/onnx-files.js";
import { lowestIrVersion, withIrVersion } from "./ir-version.js";

const of = async (...graph: number[][]) => lowestIrVersion(await decodeBytes(modelFile(...graph)));
const tensor = (code: number) => tensorFields("w", code, [0]);
const node = (...fields: number[][]) => field(1, [...field(4, text("Op")), ...fields.flat()]);

describe("the lowest IR version", () => {
  it("follows what the model uses", async () => {
    expect(await of()).toBe(3);
    expect(await of(field(5, tensor(1)))).toBe(4);
    expect(await of(field(5, tensor(17)))).toBe(9);
    expect(await of(field(5, tensor(21)))).toBe(10);
    expect(await of(field(5, tensor(26)))).toBe(13);
    expect(await of(field(5, tensor(27)))).toBe(14);
    expect(await of(field(14, []))).toBe(5);
    expect(await of(field(16, []))).toBe(10);
    expect(await of(node(field(8, text("second"))))).toBe(10);
    expect(await of(node(field(10, [])))).toBe(11);
    // A tensor inside an attribute, and the target of a Cast.
    expect(await of(node(field(5, [...field(1, text("value")), ...field(5, tensor(22)), ...number(20, 4)])))).toBe(10);
    expect(await of(node(field(5, [...field(1, text("to")), ...number(3, 23), ...number(20, 2)])))).toBe(11);
  });

  it("is at least 4 where callers may replace a weight, and 3 where every weight had to be an input", async () => {
    const model = await decodeBytes(modelFile(field(5, tensor(1)), field(11, field(1, text("w")))));
    expect(lowestIrVersion(model)).toBe(4);
    expect(lowestIrVersion({ ...model, irVersion: 3 })).toBe(3);
  });

  it("of the zoo is what it was written with", async () => {
    expect(lowestIrVersion(await decodeBytes(fixtureBytes("types.onnx")))).toBe(14);
    expect(lowestIrVersion(await decodeBytes(fixtureBytes("kinds.onnx")))).toBe(11);
  });

  it("is raised to, never lowered", async () => {
    const model = await decodeBytes(modelFile(field(5, tensor(22))));
    expect(withIrVersion(model).irVersion).toBe(10);
    const newer = { ...model, irVersion: 12 };
    expect(withIrVersion(newer)).toBe(newer);
  });
});
