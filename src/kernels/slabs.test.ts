import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { failed } from "../base/errors.js";
import { bytesData, derivedData, sourceData } from "../tensor/tensor.js";
import { cut, cutter } from "./cut.js";
import { reference } from "./dispatch.js";
import { inlinePool } from "./inline.js";
import type { KernelPool } from "./pool.js";
import { castFloat16, quantizeBlocks, quantizeLinear, statistics } from "./slabs.js";

/** Values that differ from place to place, so that a slab put at the wrong place shows. */
function weight(count: number): Float32Array<ArrayBuffer> {
  let state = 7;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** A pool that answers out of order, and whose results are overwritten once they were given back. */
function scrambledPool(): KernelPool & { most: number; handles: number } {
  const inner = inlinePool();
  let under = 0;
  const pool = {
    threads: 2,
    most: 0,
    handles: 0,
    async run(name, input, job) {
      pool.most = Math.max(pool.most, ++under);
      if (!("bytes" in input)) pool.handles++;
      await new Promise((done) => setTimeout(done, under % 2 === 0 ? 0 : 5));
      under--;
      if (!("bytes" in input)) throw failed("file-replaced", "as if another file had been renamed over it");
      return inner.run(name, input, job);
    },
    recycle: (bytes) => void bytes.fill(0xee),
    dispose: () => inner.dispose(),
  } as KernelPool & { most: number; handles: number };
  return pool;
}

async function joined(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece.slice());
  return Buffer.concat(all);
}
const same = (a: ArrayBufferView, b: ArrayBufferView) => bufferOf(a).equals(bufferOf(b));
const bufferOf = (view: ArrayBufferView) => Buffer.from(view.buffer, view.byteOffset, view.byteLength);

// 3.6 MB: several slabs, the last one short; no dimension a multiple of a block.
const [rows, columns] = [901, 1003];
const values = weight(rows * columns);
const raw = new Uint8Array(values.buffer);
const data = bytesData(raw);

describe("whole weights equal the reference", () => {
  for (const along of ["rows", "columns"] as const) {
    for (const symmetric of [true, false]) {
      test(`quantizeBlocks along ${along}, symmetric ${symmetric}`, async () => {
        const form = { from: "float32" as const, rows, columns, along, block: 32, bits: 4 as const, symmetric };
        const found = await quantizeBlocks(scrambledPool(), data, form);
        const expected = reference["quantize-blocks"](raw, form);
        expect(same(found.codes, expected.bytes)).toBe(true);
        expect(same(found.scales, expected.scales)).toBe(true);
        expect(found.zeroPoints !== undefined).toBe(!symmetric);
        if (found.zeroPoints) expect(same(found.zeroPoints, expected.zeroPoints!)).toBe(true);
      });
    }
  }

  test("quantizeBlocks of one row longer than a slab", async () => {
    const form = { from: "float32" as const, rows: 1, columns: values.length, along: "columns" as const };
    const options = { ...form, block: 64, bits: 8 as const, symmetric: true };
    const found = await quantizeBlocks(scrambledPool(), data, options);
    expect(same(found.codes, reference["quantize-blocks"](raw, options).bytes)).toBe(true);
  });

  test.each([undefined, 0, 1, 2])("statistics and quantizeLinear over axis %s of three", async (axis) => {
    const dims = [17, 53, 1003];
    const found = await statistics(scrambledPool(), data, { from: "float32", dims, axis });
    const kept = axis === undefined ? 1 : dims[axis]!;
    const indexOf = (i: number) =>
      axis === undefined ? 0 : [Math.floor(i / (53 * 1003)), Math.floor(i / 1003) % 53, i % 1003][axis]!;
    const min = new Float32Array(kept).fill(Infinity);
    const max = new Float32Array(kept).fill(-Infinity);
    for (let i = 0; i < values.length; i++) {
      const at = indexOf(i);
      min[at] = Math.min(min[at]!, values[i]!);
      max[at] = Math.max(max[at]!, values[i]!);
    }
    expect(same(found.min, min)).toBe(true);
    expect(same(found.max, max)).toBe(true);

    const scales = max.map((top, i) => Math.max(top, -min[i]!) / 127);
    const zeroPoints = Int32Array.from(scales, (_, i) => (i % 7) - 3);
    const layout = { from: "float32" as const, dims, axis, scales, zeroPoints, low: -128, high: 127 };
    const codes = await joined(quantizeLinear(scrambledPool(), data, layout, { recycle: true }));
    const one = { from: "float32" as const, rows: 1, columns: 1, keep: "none" as const, low: -128, high: 127 };
    expect(codes.length).toBe(values.length);
    for (let i = 0; i < values.length; i += 997) {
      const at = indexOf(i);
      const part = { scales: scales.slice(at, at + 1), zeroPoints: zeroPoints.slice(at, at + 1) };
      expect(codes[i]).toBe(reference["quantize-linear"](raw.subarray(i * 4, i * 4 + 4), { ...one, ...part }).bytes[0]);
    }
  });

  test("castFloat16, from a file, from bytes and from a stream of odd pieces", async () => {
    const expected = reference["cast-float16"](raw, {}).bytes;
    const source = {
      name: "weights.bin",
      size: raw.length + 8,
      handle: { path: "weights.bin" },
      read: async (offset: number, length: number) => raw.subarray(offset - 8, offset - 8 + length),
    };
    const odd = derivedData(raw.length, async function* () {
      for (let at = 0; at < raw.length; at += 99_991) yield raw.subarray(at, at + 99_991);
    });
    // From the file: the workers say that it was replaced, and the bytes come from the source, which has it open.
    for (const form of [data, sourceData(source, 8, raw.length), odd]) {
      const pool = scrambledPool();
      const pieces = (async function* () {
        for await (const { bytes } of castFloat16(pool, form, { recycle: true })) yield bytes;
      })();
      expect(same(await joined(pieces), expected)).toBe(true);
      expect(pool.handles > 0).toBe(form.span !== undefined);
      expect(pool.most).toBeGreaterThan(1);
      expect(pool.most).toBeLessThanOrEqual(4);
    }
    expect(same(raw, new Uint8Array(weight(rows * columns).buffer))).toBe(true); // The input stands as it was.
  });

  test("nothing to do", async () => {
    const none = bytesData(new Uint8Array(0));
    expect(await joined(quantizeLinear(inlinePool(), none, { ...linear, dims: [0, 4] }))).toHaveLength(0);
    const found = await statistics(inlinePool(), none, { from: "float32", dims: [3, 0], axis: 0 });
    expect([...found.min, ...found.max]).toEqual([0, 0, 0, 0, 0, 0]);
  });
});

const linear = { from: "float32" as const, scales: Float32Array.of(1), low: -128, high: 127 };

describe("stopping", () => {
  test("an aborted signal stops before the next slab", async () => {
    const abort = new AbortController();
    let pieces = 0;
    const run = async () => {
      for await (const _ of castFloat16(scrambledPool(), data, { signal: abort.signal })) {
        pieces++;
        abort.abort();
      }
    };
    await expect(run()).rejects.toThrow(/abort/);
    expect(pieces).toBe(1);
  });

  test("a weight that ends early is an error, and the stream is closed", async () => {
    let closed = false;
    const short = derivedData(raw.length, async function* () {
      try {
        yield raw.subarray(0, 100);
      } finally {
        closed = true;
      }
    });
    await expect(joined(quantizeLinear(inlinePool(), short, { ...linear, dims: [rows, columns] }))).rejects.toThrow(
      /ended \d+ bytes early/,
    );
    expect(closed).toBe(true);
  });

  test("the error of one job comes out, whatever becomes of the others", async () => {
    let jobs = 0;
    const pool: KernelPool = {
      ...inlinePool(),
      threads: 4,
      run: async () => Promise.reject(failed("kernel-failed", `job ${++jobs}`)),
    };
    await expect(joined(quantizeLinear(pool, data, { ...linear, dims: [rows, columns] }))).rejects.toThrow("job 1");
  });
});

test("slabs lie one after the other and cover the matrix, cut where they may be cut", () => {
  const shape = fc.record({
    rows: fc.nat(50),
    columns: fc.nat(300),
    size: fc.constantFrom(2, 4),
    target: fc.integer({ min: 100, max: 5000 }),
    multiple: fc.constantFrom({}, { rows: 16 }, { columns: 16 }, { columns: 48 }),
  });
  fc.assert(
    fc.property(shape, ({ rows, columns, size, target, multiple }) => {
      let end = 0;
      for (const slab of cut(rows, columns, size, target, multiple)) {
        expect(slab.offset).toBe(end);
        expect(slab.offset).toBe((slab.row * columns + slab.column) * size);
        expect(slab.length).toBe(slab.rows * slab.columns * size);
        expect(slab.rows === 1 || slab.columns === columns).toBe(true);
        if ("rows" in multiple) expect([slab.column, slab.row % 16]).toEqual([0, 0]);
        else expect(slab.length <= Math.max(target, 48 * size)).toBe(true);
        if ("columns" in multiple) expect(slab.column % multiple.columns).toBe(0);
        end = slab.offset + slab.length;
      }
      expect(end).toBe(rows * columns * size);
    }),
  );
});

test("a cutter gives the bytes of any pieces in any lengths", async () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 10 });
  await fc.assert(
    fc.asyncProperty(pieces, fc.array(fc.nat(15), { maxLength: 20 }), async (pieces, lengths) => {
      const all = Buffer.concat(pieces);
      const from = cutter(
        (async function* () {
          yield* pieces;
        })(),
      );
      let at = 0;
      for (const length of lengths) {
        if (at + length > all.length) break;
        expect(Buffer.from(await from.take(length)).equals(all.subarray(at, at + length))).toBe(true);
        at += length;
      }
    }),
  );
});
