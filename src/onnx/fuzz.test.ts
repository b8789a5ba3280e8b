// Real files with random damage: each is read or refused with a PareError. Never another error, a read outside the file,
// or memory for what a length only claims. Seeded: every run does the same.

import { describe, expect, it } from "vitest";
import { fixtureBytes } from "../../tests/support/onnx-files.js";
import type { ByteSource } from "../base/bytes.js";
import { PareError } from "../base/errors.js";
import type { Graph } from "../ir/model.js";
import { decode, readProto } from "./decode.js";
import { layOutModel, toBytes } from "./encode.js";

/** xorshift32. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

type Damage = (bytes: Uint8Array, next: (below: number) => number) => Uint8Array;

const DAMAGES: Readonly<Record<string, Damage>> = {
  "flipped bits": (bytes, next) => {
    const copy = bytes.slice();
    for (let i = next(4); i >= 0; i--) copy[next(copy.length)]! ^= 1 << next(8);
    return copy;
  },
  truncation: (bytes, next) => bytes.subarray(0, next(bytes.length)),
  "inserted bytes": (bytes, next) => {
    const at = next(bytes.length);
    const extra = Uint8Array.from({ length: 1 + next(16) }, () => next(256));
    return Uint8Array.from([...bytes.subarray(0, at), ...extra, ...bytes.subarray(at)]);
  },
  "removed bytes": (bytes, next) => {
    const at = next(bytes.length);
    return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + 1 + next(16))]);
  },
  "large lengths": (bytes, next) => {
    const copy = bytes.slice();
    const at = next(copy.length - 10);
    copy.fill(0xff, at, at + 1 + next(9));
    return copy;
  },
  "a part moved elsewhere": (bytes, next) => {
    const copy = bytes.slice();
    const length = next(64);
    const from = next(copy.length - 64);
    copy.set(bytes.subarray(from, from + length), next(copy.length - 64));
    return copy;
  },
};

/** Throws what no reader may catch when a read leaves the file, or when more is read than the file holds many times over. */
function strict(bytes: Uint8Array): ByteSource {
  let total = 0;
  return {
    name: "damaged",
    size: bytes.length,
    async read(offset, length) {
      total += length;
      const inside = offset >= 0 && length >= 0 && offset + length <= bytes.length;
      if (!inside || total > 50 * bytes.length + 2 ** 16) throw new Error(`reads ${length} bytes at ${offset}`);
      return bytes.subarray(offset, offset + length);
    },
  };
}

async function readAll(graph: Graph): Promise<void> {
  for (const initializer of graph.initializers.values()) {
    if (!initializer.sparse) await initializer.data.read().catch(onlyOurs);
  }
}

function onlyOurs(error: unknown): void {
  if (!(error instanceof PareError) || error.kind === "internal") throw error;
}

describe("damaged files", () => {
  for (const name of ["kinds.onnx", "types.onnx", "external/model.onnx"]) {
    for (const [what, damage] of Object.entries(DAMAGES)) {
      it(`${name} with ${what}`, async () => {
        const bytes = fixtureBytes(name);
        const next = random(7 + name.length * 31 + what.length);
        let refused = 0;
        let read = 0;
        const count = name === "types.onnx" ? 40 : 150;
        for (let i = 0; i < count; i++) {
          const damaged = damage(bytes, next);
          try {
            const model = await decode(strict(damaged));
            await readAll(model.graph);
            const written = await toBytes(model).catch(onlyOurs);
            // What was understood is written so that it is understood again.
            if (written) await readProto(strict(written));
            read++;
          } catch (error) {
            onlyOurs(error);
            refused++;
          }
        }
        expect(read + refused).toBe(count);
        // Most of types.onnx is weights, in which no damage can be seen.
        if (name === "kinds.onnx") expect(refused).toBeGreaterThan(0);
      });
    }
  }

  it("claims of size do not cost memory", async () => {
    const bytes = fixtureBytes("types.onnx");
    const next = random(3);
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    for (let i = 0; i < 60; i++) {
      await decode(strict(DAMAGES["large lengths"]!(bytes, next))).then((model) => layOutModel(model), onlyOurs);
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    expect(most).toBeLessThan(64 * 2 ** 20);
  });
});
