// Serves folders of this machine to a page of a test, cross-origin isolated so that WASM may use threads.

import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".json": "application/json",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

export interface StaticServer {
  readonly url: string;
  close(): Promise<void>;
}

/** `places`: file or folder by its path on the server, as "/models/". A missing file is answered with 404. */
export async function serveStatic(places: Readonly<Record<string, string>>): Promise<StaticServer> {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname);
    const [prefix, place] = Object.entries(places).find(([start]) => path.startsWith(start)) ?? ["", ""];
    const file = prefix.endsWith("/") ? join(place, path.slice(prefix.length)) : place;
    const found =
      path === "/" || (prefix !== "" && !path.includes("..") && existsSync(file) && statSync(file).isFile());
    response.writeHead(found ? 200 : 404, {
      "Content-Type": path === "/" ? "text/html" : (TYPES[extname(file)] ?? "application/octet-stream"),
      "Cross-Origin-Opener-Policy": "same-origin",
      "Cross-Origin-Embedder-Policy": "require-corp",
    });
    response.end(!found ? "" : path === "/" ? "<!doctype html><title>test</title>" : readFileSync(file));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
