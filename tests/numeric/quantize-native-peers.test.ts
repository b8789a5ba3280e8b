// Native forms byte for byte: what ONNX Runtime's own quantizers write of the same matrix (tools/fixtures/native_operators.py).

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { int } from "../../src/ir/attributes.js";
import { tensor } from "../../src/tensor/tensor.js";
import { apply, bytesOf, floatsOf } from "../support/native-forms.js";
import { type Case, one, value } from "../support/quantize-cases.js";
import { root } from "../support/root.js";

interface Peer {
  readonly rows: number;
  readonly columns: number;
  readonly weight: string;
  readonly nbits: readonly {
    readonly bits: number;
    readonly block: number;
    readonly symmetric: boolean;
    readonly codes: string;
    readonly scales: string;
    readonly zeroPoints?: string;
  }[];
  readonly bnb4: readonly {
    readonly kind: "nf4" | "fp4";
    readonly block: number;
    readonly codes: string;
    readonly absmax: string;
  }[];
}

const peers: readonly Peer[] = JSON.parse(readFileSync(join(root, "tests/fixtures/native/operators.json"), "utf8"));
const base64 = (text: string) => Uint8Array.from(Buffer.from(text, "base64"));

/** Codes of some bits, low bits first, one an element. */
const fields = (bytes: Uint8Array, bits: number): number[] =>
  Array.from({ length: (bytes.length * 8) / bits }, (_, at) => {
    const begin = at * bits;
    return (bytes[begin >> 3]! >> (begin % 8)) & (2 ** bits - 1);
  });

/** A product with the matrix of a peer, as it stands or transposed. */
function product({ rows, columns, weight: bytes }: Peer, transposed = false): Case {
  const values = new Float32Array(base64(bytes).buffer);
  const turned = values.map((_, at) => values[(at % rows) * columns + Math.floor(at / rows)]!);
  return one(
    (b) => {
      const w = tensor("float32", transposed ? [columns, rows] : [rows, columns], transposed ? turned : values);
      const attributes = transposed ? { transB: int(1) } : {};
      return b.node(transposed ? "Gemm" : "MatMul", ["x", b.initializer("w", w)], { attributes });
    },
    { x: value(3, rows) },
  );
}

describe("writes what ONNX Runtime's quantizer writes", () => {
  const integers = peers.flatMap((peer) => peer.nbits.map((made) => ({ peer, ...made })));
  it.each(integers)("MatMulNBits, $peer.rows x $peer.columns, $bits bits, block $block, $symmetric", async (made) => {
    const { peer, bits, block, symmetric } = made;
    const { rows, columns } = peer;
    const blocks = Math.ceil(rows / block);
    for (const transposed of [false, true]) {
      const options = { weights: `uint${bits}`, form: "native", block, symmetric, range: "absmax" };
      const { model } = await apply(product(peer, transposed).model, options);
      const constants = model.graph.initializers;
      const [ours, theirs] = [await bytesOf(constants.get("w_quantized")), base64(made.codes)];
      expect(ours).toHaveLength(theirs.length);
      // What stands behind the last row of a short block is no weight.
      const used = (at: number) => at % (blocks * block) < rows;
      expect(fields(ours, bits).filter((_, at) => used(at))).toEqual(fields(theirs, bits).filter((_, at) => used(at)));
      // Where all is 0 their scale is -0.
      const scales = new Float32Array(base64(made.scales).buffer).map((scale) => scale + 0);
      expect(await floatsOf(constants.get("w_scale"))).toEqual(scales);
      if (!made.zeroPoints) continue;
      const zeros = [await bytesOf(constants.get("w_zero_point")), base64(made.zeroPoints)];
      expect(zeros[0]).toHaveLength(zeros[1]!.length);
      const each = fields(zeros[0]!, bits).length / columns;
      const [a, b] = zeros.map((bytes) => fields(bytes, bits).filter((_, at) => at % each < blocks));
      expect(a).toEqual(b);
    }
  });

  const tables = peers.flatMap((peer) => peer.bnb4.map((made) => ({ peer, ...made })));
  it.each(tables)("MatMulBnb4, $peer.rows x $peer.columns, $kind, block $block", async (made) => {
    const { peer, kind, block, codes, absmax } = made;
    for (const transposed of [false, true]) {
      const { model, notes } = await apply(product(peer, transposed).model, { weights: kind, form: "native", block });
      if (!transposed && peer.rows % block !== 0) {
        expect(notes.map(({ text }) => text).join()).toMatch(/no whole blocks/);
        continue;
      }
      const constants = model.graph.initializers;
      // FP4 has a code for -0, which they write and pare does not.
      const positive = (code: number) => (kind === "fp4" && code === 8 ? 0 : code);
      const [ours, theirs] = [await bytesOf(constants.get("w_quantized")), base64(codes)];
      expect(ours).toHaveLength(theirs.length);
      // Of an odd number of codes the last byte has one; the first of two has the high bits.
      const count = peer.rows * peer.columns;
      const used = (bytes: Uint8Array) =>
        Array.from({ length: count }, (_, at) => positive((bytes[at >> 1]! >> (at % 2 === 0 ? 4 : 0)) & 15));
      expect(used(ours)).toEqual(used(theirs));
      expect(await bytesOf(constants.get("w_absmax"))).toEqual(base64(absmax));
    }
  });
});
