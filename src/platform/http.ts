// A file behind a URL, read by range requests; the same in Node and the page, which hand in their `fetch`.

import { type ByteSource, bytesSource } from "../base/bytes.js";
import { failed, invalid, type PareError, unsupported } from "../base/errors.js";

interface HttpResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body?: { cancel(): Promise<void> } | null;
  arrayBuffer(): Promise<ArrayBuffer>;
}
export type Fetch = (url: string, init: { readonly headers: Record<string, string> }) => Promise<HttpResponse>;

/** What is asked for first, and the unit of the cache: the head of most models, and small models whole. */
const BLOCK = 2 ** 20;
/** Up to here one request for all is sooner done than one for each weight. */
const WHOLE = 256 * 2 ** 20;
/** Blocks kept: a walk over the structure goes forward, weights are read once. */
const BLOCKS = 8;
const ATTEMPTS = 3;

/** Throws `failed("file-missing")` for 404 and 410, `failed("download-failed")` for all else that went wrong. */
export async function openUrl(url: string, fetch: Fetch): Promise<ByteSource> {
  const first = await request(url, fetch, `bytes=0-${BLOCK - 1}`);
  if (first.status === 416) return bytesSource(new Uint8Array(0), url);
  if (first.status === 206) {
    const size = Number(/\/(\d+)\s*$/.exec(first.headers.get("content-range") ?? "")?.[1] ?? Number.NaN);
    const head = new Uint8Array(await first.arrayBuffer());
    if (head.length === size) return bytesSource(head, url);
    if (size > WHOLE) return new RangeSource(url, size, first.headers.get("etag"), head, fetch);
    if (first.headers.get("content-range") === null && Number.isNaN(size)) {
      // A page may not be allowed to see Content-Range: then only the whole tells the size.
      return whole(url, fetch, undefined);
    }
    return whole(url, fetch, Number.isNaN(size) ? undefined : size);
  }
  return complete(url, first);
}

async function whole(url: string, fetch: Fetch, size: number | undefined): Promise<ByteSource> {
  const source = await complete(url, await request(url, fetch, undefined));
  if (size === undefined || source.size === size) return source;
  throw broken(url, `got ${source.size} bytes of ${size}`);
}

async function complete(url: string, response: HttpResponse): Promise<ByteSource> {
  const length = Number(response.headers.get("content-length") ?? 0);
  if (length >= 2 ** 31) {
    await response.body?.cancel();
    throw unsupported("url-too-large", `The server of ${url} gives only the whole file, ${length} bytes.`, {
      hint: "Download the file and load it from there.",
    });
  }
  return bytesSource(new Uint8Array(await response.arrayBuffer()), url);
}

async function request(url: string, fetch: Fetch, range: string | undefined): Promise<HttpResponse> {
  for (let attempt = 1; ; attempt++) {
    let response: HttpResponse;
    try {
      response = await fetch(url, { headers: range === undefined ? {} : { range } });
    } catch (cause) {
      if (attempt < ATTEMPTS) continue;
      throw broken(url, "the server cannot be reached", cause);
    }
    const { status } = response;
    if (status === 200 || status === 206 || status === 416) return response;
    await response.body?.cancel();
    if (status === 404 || status === 410) {
      throw failed("file-missing", `There is no file at ${url}.`, { found: `HTTP status ${status}` });
    }
    if (status < 500 || attempt >= ATTEMPTS) throw broken(url, `HTTP status ${status}`);
  }
}

class RangeSource implements ByteSource {
  private readonly blocks = new Map<number, Promise<Uint8Array>>();

  constructor(
    readonly name: string,
    readonly size: number,
    private readonly etag: string | null,
    head: Uint8Array,
    private readonly fetch: Fetch,
  ) {
    this.blocks.set(0, Promise.resolve(head));
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    if (offset < 0 || offset + length > this.size) throw readPastEnd(this, offset, length);
    const block = Math.floor(offset / BLOCK);
    const within = offset - block * BLOCK;
    if (within + length > BLOCK) return this.range(offset, length);
    return (await this.block(block)).subarray(within, within + length);
  }

  private block(index: number): Promise<Uint8Array> {
    const known = this.blocks.get(index);
    if (known) return known;
    const offset = index * BLOCK;
    const bytes = this.range(offset, Math.min(BLOCK, this.size - offset));
    bytes.catch(() => this.blocks.delete(index));
    this.blocks.set(index, bytes);
    if (this.blocks.size > BLOCKS) this.blocks.delete(this.blocks.keys().next().value!);
    return bytes;
  }

  private async range(offset: number, length: number): Promise<Uint8Array> {
    if (length === 0) return new Uint8Array(0);
    const response = await request(this.name, this.fetch, `bytes=${offset}-${offset + length - 1}`);
    const bytes = response.status === 206 ? new Uint8Array(await response.arrayBuffer()) : undefined;
    if (bytes?.length !== length) throw broken(this.name, `asked for ${length} bytes, got ${bytes?.length ?? "all"}`);
    if (response.headers.get("etag") !== this.etag) throw broken(this.name, "the file changed while it was read");
    return bytes;
  }
}

/** What every source throws for a range that leaves it. */
export const readPastEnd = (source: ByteSource, offset: number, length: number): PareError =>
  invalid("read-past-end", `${source.name}: bytes ${offset} to ${offset + length} are past its end.`, {
    expected: `at most ${source.size}`,
  });

const broken = (url: string, found: string, cause?: unknown): PareError =>
  failed("download-failed", `${url} could not be read.`, {
    found,
    cause,
    hint: "Try again, or download the file and load it from there.",
  });

/**
 * The URL of external data beside a model. Throws `invalid("external-path")` for a location that is not a relative path
 * inside the folder of the model.
 */
export function besideUrl(model: string, location: string): string {
  const parts = location.split("/");
  const bad =
    location === "" || location.includes("\\") || parts.some((part) => part === "" || part === ".." || part === ".");
  if (bad) throw externalPath(location, model);
  const url = new URL(parts.map(encodeURIComponent).join("/"), model);
  return url.href;
}

export const externalPath = (location: string, model: string): PareError =>
  invalid("external-path", `${model} keeps weights in "${location.slice(0, 200)}", which is not inside its folder.`, {
    expected: "a relative path inside the folder of the model",
    hint: "External data is never read from elsewhere.",
  });
