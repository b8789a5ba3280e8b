import { describe, expect, it } from "vitest";
import { graphBuilder } from "../ir/build.js";
import { layerText, shownLayers } from "../report/layers.js";
import { derivedData, tensor } from "../tensor/tensor.js";
import { layerTransfer } from "./layer-transfer.js";

/** Half of what it is given for gzip, a quarter for brotli; counts what it was given. */
function halving(given: number[]) {
  return async (kind: "gzip" | "brotli", pieces: AsyncIterable<Uint8Array>) => {
    let bytes = 0;
    for await (const piece of pieces) bytes += piece.byteLength;
    given.push(bytes);
    return bytes / (kind === "gzip" ? 2 : 4);
  };
}

const model = () => {
  const b = graphBuilder();
  b.input("x", "float32", [1, 64]);
  // Codes and scale belong to the layer that multiplies with what is decoded of them.
  b.initializer("codes", tensor("uint8", [64, 64], new Uint8Array(4096)));
  b.initializer("scale", tensor("float32", [64], new Float32Array(64)));
  const cast = b.node("Cast", ["codes"], { attributes: { to: { type: "int", value: 1n } } });
  const weight = b.node("Mul", [cast, "scale"]);
  const y = b.node("MatMul", ["x", weight], { outputs: ["y"], name: "dense" });
  b.initializer("bias", tensor("float32", [64], new Float32Array(64)));
  b.output(b.node("Add", [y, "bias"], { name: "add" }));
  return b.model();
};

describe("layerTransfer", () => {
  it("groups what a weight was stored as, and leaves out what is small", async () => {
    const given: number[] = [];
    const layers = await layerTransfer([model()], { compressedSize: halving(given), signal: undefined });
    expect(layers).toEqual([
      { name: "dense", op: "MatMul", bytes: [4352], transfer: [{ gzip: 2176, brotli: 1088 }] },
      { name: "add", op: "Add", bytes: [256], transfer: [null] },
    ]);
    expect(given).toEqual([4352, 4352]);
    expect(layerText(layers[0]!, 0)).toEqual({ raw: "4.35 kB", sent: "gzip 2.18 kB, brotli 1.09 kB" });
    expect(layerText(layers[1]!, 0)).toEqual({ raw: "256 B", sent: undefined });
  });

  it("samples models above 256 MB, and says so", async () => {
    const b = graphBuilder();
    b.input("x", "float32", [1, 1]);
    const byteLength = 512e6;
    const read = async (begin = 0, end = byteLength) => new Uint8Array(end - begin);
    const data = {
      ...derivedData(byteLength, async function* () {}),
      read,
      span: { source: undefined as never, offset: 0 },
    };
    b.initializer("w", { dtype: "float32", dims: [1, byteLength / 4], data });
    b.output(b.node("MatMul", ["x", "w"], { outputs: ["y"], name: "large" }));
    const given: number[] = [];
    const [layer] = await layerTransfer([b.model()], { compressedSize: halving(given), signal: undefined });
    expect(given[0]).toBeLessThan(270e6);
    expect(layer?.transfer).toEqual([{ gzip: 256e6, brotli: 128e6, estimated: true }]);
    const shown = shownLayers({ layers: [layer!], models: [] } as never);
    expect(layerText(shown[0]!, 0)?.sent).toBe("gzip ≈ 256 MB, brotli ≈ 128 MB");
  });
});
