import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { bytesSource } from "../base/bytes.js";
import { numbers } from "./cast.js";
import { openNpy } from "./numpy.js";

const fixture = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../tests/fixtures/data/${name}.json`, import.meta.url), "utf8"));
const source = (text: string) => bytesSource(new Uint8Array(Buffer.from(text, "base64")), "a.npy");

describe(".npy arrays", () => {
  for (const { name, file, dims, values } of fixture("npy")) {
    it(name, async () => {
      const array = await openNpy(source(file), name);
      expect(array.dims).toEqual(dims);
      const read = await array.read(0, dims[0]);
      expect(read.dims).toEqual(dims);
      expect(read.dtype === "string" ? read.data : Array.from(numbers(read))).toEqual(values);
      const last = await array.read(dims[0] - 1, 1);
      const tail = values.slice(values.length - values.length / dims[0]);
      expect(last.dtype === "string" ? last.data : Array.from(numbers(last))).toEqual(tail);
    });
  }

  it("refuses what is cut off, and what is none", async () => {
    const whole = Buffer.from(fixture("npy")[0].file, "base64");
    for (const length of [0, 5, 11, 40, whole.length - 1]) {
      const cut = bytesSource(new Uint8Array(whole.subarray(0, length)), "cut.npy");
      await expect(openNpy(cut, "cut.npy")).rejects.toMatchObject({ code: "data-npy" });
    }
  });

  it("refuses object arrays by name", async () => {
    const header = `${"{'descr': '|O', 'fortran_order': False, 'shape': (2,), }".padEnd(117)}\n`;
    const bytes = new Uint8Array([0x93, ...Buffer.from("NUMPY"), 1, 0, 118, 0, ...Buffer.from(header), 0, 0]);
    await expect(openNpy(bytesSource(bytes), "o.npy")).rejects.toMatchObject({ code: "data-npy-dtype", found: "|O" });
  });
});
