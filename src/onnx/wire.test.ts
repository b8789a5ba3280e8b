import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeBytes, field, modelFile, number, tensorFields, text, varint } from "../../tests/support/onnx-files.js";
import { type ByteSource, bytesSource } from "../base/bytes.js";
import { decode, readProto } from "./decode.js";
import { toBytes } from "./encode.js";
import { PAYLOAD } from "./tables.js";

const raw = (name: string, bytes: number[]) => field(5, tensorFields(name, 2, [bytes.length], field(9, bytes)));

/** Counts what is asked of a source. */
function counted(bytes: Uint8Array): ByteSource & { reads: number; bytes: number } {
  const source = {
    name: "counted",
    size: bytes.length,
    reads: 0,
    bytes: 0,
    async read(offset: number, length: number) {
      if (offset < 0 || offset + length > bytes.length) throw new Error("read past the end");
      source.reads++;
      source.bytes += length;
      return bytes.subarray(offset, offset + length);
    },
  };
  return source;
}

describe("the wire walker", () => {
  it("gives every tensor its bytes, whatever their lengths and order, and writes the same file", async () => {
    const lengths = fc.oneof(
      fc.nat(40),
      fc.integer({ min: 1000, max: 1100 }),
      fc.integer({ min: 16_200, max: 16_500 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(lengths, { maxLength: 6 }), fc.nat(255), async (sizes, seed) => {
        const contents = sizes.map((size, i) => Array.from({ length: size }, (_, at) => (at * 7 + i + seed) % 256));
        const file = modelFile(...contents.map((content, i) => raw(`t${i}`, content)));
        const model = await decodeBytes(file);
        for (const [i, content] of contents.entries()) {
          const tensor = model.graph.initializers.get(`t${i}`);
          if (tensor === undefined || tensor.sparse) throw new Error("lost");
          expect(Buffer.compare(await tensor.data.read(), Uint8Array.from(content))).toBe(0);
        }
        expect((await toBytes(model)).length).toBe(file.length);
      }),
      { numRuns: 25 },
    );
  });

  it("reads no payload", async () => {
    const file = modelFile(...Array.from({ length: 10 }, (_, i) => raw(`t${i}`, new Array(200_000).fill(i))));
    const source = counted(file);
    await decode(source);
    expect(source.bytes).toBeLessThan(12 * 16 * 1024 + 1024);
    expect(source.reads).toBeLessThan(24);
  });

  it("reads many small fields in few pieces", async () => {
    const node = field(1, [...field(1, text("x")), ...field(2, text("y")), ...field(4, text("Relu"))]);
    const source = counted(modelFile(...Array.from({ length: 20_000 }, () => node)));
    expect((await decode(source)).graph.nodes).toHaveLength(20_000);
    expect(source.reads).toBeLessThan(20);
  });

  it("accepts strings longer than its window, and fields across its edge", async () => {
    const long = "a".repeat(3 * 2 ** 20);
    const model = await decodeBytes(modelFile(field(10, text(long)), raw("t", [1, 2, 3]), field(2, text("name"))));
    expect(model.graph.docString).toBe(long);
    expect(model.graph.name).toBe("name");
  });

  it("joins the pieces of a typed field, packed by parts or element by element", async () => {
    const floats = Float32Array.of(1, 2, 3);
    const bytes = new Uint8Array(floats.buffer);
    const parts = tensorFields(
      "p",
      1,
      [3],
      field(PAYLOAD.float, bytes.subarray(0, 8)),
      field(PAYLOAD.float, bytes.subarray(8)),
    );
    const single = [0, 4, 8].flatMap((at) => [...varint(PAYLOAD.float * 8 + 5), ...bytes.subarray(at, at + 4)]);
    const ints = tensorFields("i", 7, [2], [...number(PAYLOAD.int64, 300), ...number(PAYLOAD.int64, 5)]);
    const file = modelFile(field(5, parts), field(5, tensorFields("s", 1, [3], single)), field(5, ints));
    for (const round of [file, await toBytes(await decodeBytes(file))]) {
      const { graph } = await decodeBytes(round);
      const read = async (name: string) => {
        const tensor = graph.initializers.get(name);
        if (tensor === undefined || tensor.sparse) throw new Error("lost");
        return tensor.data.read();
      };
      expect(await read("p")).toEqual(bytes);
      expect(await read("s")).toEqual(bytes);
      expect(await read("i")).toEqual(new Uint8Array(BigInt64Array.of(300n, 5n).buffer));
    }
  });

  it("keeps the last of two raw_data, as protobuf does", async () => {
    const { graph } = await decodeBytes(
      modelFile(field(5, tensorFields("t", 2, [2], field(9, [9]), field(9, [1, 2])))),
    );
    const tensor = graph.initializers.get("t");
    if (tensor === undefined || tensor.sparse) throw new Error("lost");
    expect(await tensor.data.read()).toEqual(Uint8Array.of(1, 2));
  });

  it("refuses files that use the numbers it needs for itself", async () => {
    const file = modelFile(field(5, tensorFields("t", 2, [1], field(19000, [9, 0, 1]))));
    await expect(readProto(bytesSource(file))).rejects.toMatchObject({ code: "protobuf-broken" });
    const graph = modelFile(field(19001, [10, 1, 65]));
    await expect(readProto(bytesSource(graph))).rejects.toMatchObject({ code: "protobuf-broken" });
  });
});
