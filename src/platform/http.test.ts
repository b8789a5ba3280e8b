import { describe, expect, it } from "vitest";
import { besideUrl, type Fetch, openUrl } from "./http.js";

const URL_OF = "https://example.com/models/m.onnx";

/** A server of one file. */
function server(
  bytes: Uint8Array,
  options: { ranges?: boolean; status?: readonly number[]; etag?: () => string; hideRange?: boolean } = {},
): { fetch: Fetch; asked: (string | undefined)[] } {
  const asked: (string | undefined)[] = [];
  const fetch: Fetch = async (_, { headers }) => {
    const { range } = headers;
    const forced = options.status?.[asked.length] ?? 0;
    asked.push(range);
    if (forced < 0) throw new TypeError("fetch failed");
    if (forced > 0) return respond(forced, new Uint8Array(0), {});
    const etag: Record<string, string> = options.etag ? { etag: options.etag() } : {};
    if (range === undefined || options.ranges === false) {
      return respond(200, bytes, { "content-length": String(bytes.length), ...etag });
    }
    const [from, to] = range.slice("bytes=".length).split("-").map(Number) as [number, number];
    if (from >= bytes.length) return respond(416, new Uint8Array(0), {});
    const part = bytes.subarray(from, to + 1);
    const place = `bytes ${from}-${from + part.length - 1}/${bytes.length}`;
    return respond(206, part, options.hideRange ? etag : { "content-range": place, ...etag });
  };
  return { fetch, asked };
}

const respond = (status: number, bytes: Uint8Array, headers: Record<string, string>) => ({
  status,
  headers: { get: (name: string) => headers[name] ?? null },
  arrayBuffer: async () => new Uint8Array(bytes).buffer,
});

const file = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 31) % 251);

describe("a file behind a URL", () => {
  it("is read with one request when it is small", async () => {
    const { fetch, asked } = server(file(1000));
    const source = await openUrl(URL_OF, fetch);
    expect(await source.read(10, 20)).toEqual(file(1000).subarray(10, 30));
    expect(asked).toEqual(["bytes=0-1048575"]);
  });

  it("is read whole when it is of middle size, or when the server knows no ranges", async () => {
    const middle = file(3 * 2 ** 20);
    const ranges = server(middle);
    expect((await openUrl(URL_OF, ranges.fetch)).size).toBe(middle.length);
    expect(ranges.asked).toEqual(["bytes=0-1048575", undefined]);
    const plain = server(middle, { ranges: false });
    expect((await openUrl(URL_OF, plain.fetch)).size).toBe(middle.length);
    expect(plain.asked).toEqual(["bytes=0-1048575"]);
    const hidden = server(middle, { hideRange: true });
    expect((await openUrl(URL_OF, hidden.fetch)).size).toBe(middle.length);
  });

  it("is read in ranges when it is large", async () => {
    // 300 MiB that exist only where they are asked for.
    const size = 300 * 2 ** 20;
    const asked: string[] = [];
    let etag = '"1"';
    const fetch: Fetch = async (_, { headers }) => {
      asked.push(headers.range ?? "whole");
      const [from, to] = (headers.range ?? "").slice(6).split("-").map(Number) as [number, number];
      const last = Math.min(to, size - 1);
      const part = Uint8Array.from({ length: last - from + 1 }, (_, i) => (from + i) % 251);
      return respond(206, part, { "content-range": `bytes ${from}-${last}/${size}`, etag });
    };
    const source = await openUrl(URL_OF, fetch);
    expect(source.size).toBe(size);
    const at = 200 * 2 ** 20 + 5;
    expect([...(await source.read(at, 3))]).toEqual([at % 251, (at + 1) % 251, (at + 2) % 251]);
    expect([...(await source.read(at + 100, 1))]).toEqual([(at + 100) % 251]);
    expect((await source.read(0, 2 ** 20 + 1)).length).toBe(2 ** 20 + 1);
    expect(asked).toEqual(["bytes=0-1048575", "bytes=209715200-210763775", "bytes=0-1048576"]);
    await expect(source.read(size - 1, 2)).rejects.toMatchObject({ code: "read-past-end" });
    etag = '"2"';
    await expect(source.read(100 * 2 ** 20, 10)).rejects.toMatchObject({ code: "download-failed" });
  });

  it("may be empty, missing, or behind a server that stumbles", async () => {
    expect((await openUrl(URL_OF, server(new Uint8Array(0)).fetch)).size).toBe(0);
    await expect(openUrl(URL_OF, server(file(9), { status: [404] }).fetch)).rejects.toMatchObject({
      code: "file-missing",
    });
    await expect(openUrl(URL_OF, server(file(9), { status: [403] }).fetch)).rejects.toMatchObject({
      code: "download-failed",
    });
    expect((await openUrl(URL_OF, server(file(9), { status: [-1, 503] }).fetch)).size).toBe(9);
    await expect(openUrl(URL_OF, server(file(9), { status: [-1, -1, -1] }).fetch)).rejects.toMatchObject({
      code: "download-failed",
      found: "the server cannot be reached",
    });
  });
});

describe("external data beside a URL", () => {
  it("is looked for in the folder of the model", () => {
    expect(besideUrl(`${URL_OF}?download=true`, "parts/w 1#.bin")).toBe(
      "https://example.com/models/parts/w%201%23.bin",
    );
    expect(besideUrl(URL_OF, "https:evil")).toBe("https://example.com/models/https%3Aevil");
  });

  for (const location of ["../w", "a/../w", "/w", "//evil.com/w", "..\\w", "", "a//b", "."]) {
    it(`is refused elsewhere: "${location}"`, () => {
      expect(() => besideUrl(URL_OF, location)).toThrow(expect.objectContaining({ code: "external-path" }));
    });
  }
});
