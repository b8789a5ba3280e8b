import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fixture, fixtureBytes } from "../../../tests/support/onnx-files.js";
import { decode } from "../../onnx/decode.js";
import { create, list, open, realPath, temporary } from "./files.js";

const folder = mkdtempSync(join(tmpdir(), "pare-files-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string) => join(folder, name);

describe("open", () => {
  it("reads any range, and none outside", async () => {
    const bytes = Uint8Array.from({ length: 200_000 }, (_, i) => i % 251);
    writeFileSync(at("bytes"), bytes);
    const { source } = await open(at("bytes"));
    await fc.assert(
      fc.asyncProperty(fc.nat(200_000), fc.nat(200_000), async (offset, length) => {
        const reading = source.read(offset, length);
        if (offset + length > bytes.length) await expect(reading).rejects.toMatchObject({ code: "read-past-end" });
        else expect(Buffer.compare(await reading, bytes.subarray(offset, offset + length))).toBe(0);
      }),
    );
    await expect(source.read(-1, 1)).rejects.toMatchObject({ code: "read-past-end" });
    expect(source.handle).toEqual({ path: at("bytes") });
    await source.close?.();
  });

  it("says what stands where the file should", async () => {
    await expect(open(at("none.onnx"))).rejects.toMatchObject({ code: "file-missing" });
    await expect(open(folder)).rejects.toMatchObject({ code: "not-a-file" });
    await expect(open("ftp://example.com/m.onnx")).rejects.toMatchObject({ code: "url-scheme" });
  });
});

describe("open over http", () => {
  let server: Server;
  let base = "";
  beforeAll(async () => {
    server = createServer((request, response) => {
      const path = fixture(decodeURIComponent((request.url ?? "").slice(1)));
      if (!existsSync(path)) {
        response.writeHead(404).end();
        return;
      }
      const bytes = readFileSync(path);
      const range = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? "");
      if (!range) response.writeHead(200).end(bytes);
      else {
        const part = bytes.subarray(Number(range[1]), Number(range[2]) + 1);
        const place = `bytes ${range[1]}-${Number(range[1]) + part.length - 1}/${bytes.length}`;
        response.writeHead(206, { "content-range": place }).end(part);
      }
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => void server.close());

  it("finds external data relative to the URL", async () => {
    const { source, folder: beside } = await open(`${base}/external/model.onnx`);
    const weight = (await decode(source, beside)).graph.initializers.get("a");
    if (weight === undefined || weight.sparse) throw new Error("lost");
    expect(await weight.data.read()).toEqual(fixtureBytes("external/weights.bin").subarray(4096, 5296));
  });
});

describe("create", () => {
  it("writes pieces of any size in order, copied and handed over", async () => {
    const other = Uint8Array.from({ length: 9_000_000 }, (_, i) => (i * 13) % 253);
    writeFileSync(at("other"), other);
    const { source } = await open(at("other"));
    const size = fc.oneof(fc.nat(300), fc.integer({ min: 60_000, max: 70_000 }), fc.integer({ min: 4e6, max: 8.5e6 }));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.boolean(), size), { maxLength: 12 }), async (pieces) => {
        const sink = await create(at("out"));
        const expected: Uint8Array[] = [];
        for (const [copied, length] of pieces) {
          const piece = other.subarray(500, 500 + length);
          if (copied) expect(await sink.copyFrom?.(source, 500, length)).toBe(true);
          else await sink.write(piece);
          expected.push(piece);
        }
        await sink.finish();
        await sink.commit();
        expect(Buffer.compare(readFileSync(at("out")), Buffer.concat(expected))).toBe(0);
      }),
      { numRuns: 12 },
    );
  });

  it("appears only on commit, keeps permissions, and leaves nothing after abort", async () => {
    writeFileSync(at("kept"), "old", { mode: 0o600 });
    const before = readdirSync(folder).length;
    const sink = await create(at("kept"));
    await sink.write(new Uint8Array(100_000));
    await sink.abort();
    await sink.abort();
    expect(readdirSync(folder)).toHaveLength(before);
    const second = await create(at("kept"));
    await second.write(new Uint8Array(5));
    await second.finish();
    expect(readFileSync(at("kept"), "utf8")).toBe("old");
    await second.commit();
    await second.abort();
    expect(statSync(at("kept")).size).toBe(5);
    expect(statSync(at("kept")).mode & 0o777).toBe(0o600);
    await expect(create(at("none/x"))).rejects.toMatchObject({ code: "file-missing" });
  });
});

describe("realPath, list, temporary", () => {
  it("follows links, and walks folders in order", async () => {
    mkdirSync(at("tree/b"), { recursive: true });
    for (const name of ["z", "a", "b/c"]) writeFileSync(at(`tree/${name}`), "");
    symlinkSync("z", at("tree/link"));
    symlinkSync("..", at("tree/b/up"));
    expect(await list(at("tree"))).toEqual(["a", "b/c", "link", "z"]);
    expect(await list(at("tree/a"))).toBeUndefined();
    expect(await list(at("none"))).toBeUndefined();
    expect(await realPath(at("tree/link"))).toBe(await realPath(at("tree/z")));
    expect(await realPath(at("none"))).toBeUndefined();
  });

  it("makes files that go away", async () => {
    const scratch = await temporary();
    const sink = await scratch.create("a");
    await sink.write(Uint8Array.of(1, 2));
    await sink.finish();
    await sink.commit();
    expect(await (await scratch.open("a")).read(1, 1)).toEqual(Uint8Array.of(2));
    expect(scratch.file("a")).toBe(join(scratch.path, "a"));
    await scratch.remove("a");
    await scratch.remove("a");
    expect(existsSync(join(scratch.path, "a"))).toBe(false);
    expect(() => scratch.file("../x")).toThrow();
    await scratch.dispose();
    expect(existsSync(scratch.path)).toBe(false);
  });
});
