// Where forms are timed: onnxruntime-node in a process, onnxruntime-web in Chromium. A place that breaks down is opened anew.

import { type ChildProcess, fork } from "node:child_process";
import { createReadStream, existsSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { dirname, extname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, type Page, chromium as playwright } from "playwright-core";
import typescript from "typescript";
import { chromium } from "../../tests/support/chromium.js";
import type { Request } from "./node-child.js";
import type { PageBench, PageOptions } from "./page.js";
import type { FeedSpec, RunnerOptions, Timed } from "./runner.js";

export interface Opened {
  /** The float model's first output. */
  readonly output: readonly number[];
  form(path: string): Promise<Timed>;
  /** Where the nodes of a model are placed; only where there are several providers (WebGPU and the CPU). */
  placement?(path: string): Promise<Placement>;
  close(): Promise<void>;
}

/** Nodes by operator, for each provider. */
export type Placement = Readonly<Record<string, Readonly<Record<string, number>>>>;

export interface Place {
  readonly id: string;
  readonly label: string;
  open(floatPath: string, feeds: readonly FeedSpec[]): Promise<Opened>;
  close(): Promise<void>;
}

export function nodePlace(threads: number, options: Omit<RunnerOptions, "session">): Place {
  return {
    id: `node-${threads}`,
    label: `Node, ${threads === 1 ? "1 thread" : `${threads} threads`}`,
    async open(path, feeds) {
      const session = { executionProviders: ["cpu"], intraOpNumThreads: threads, interOpNumThreads: 1 };
      const child = fork(fileURLToPath(new URL("./node-child.ts", import.meta.url)), {
        stdio: ["ignore", 1, "ignore", "ipc"],
      });
      const first = { do: "open", path, feeds, options: { ...options, session } } as const;
      const output = (await asked(child, first)) as number[];
      return {
        output,
        form: async (form) => (await asked(child, { do: "form", path: form })) as Timed,
        close: async () => void child.kill(),
      };
    },
    close: async () => {},
  };
}

function asked(child: ChildProcess, request: Request): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const done = (act: () => void) => {
      child.off("message", onMessage);
      child.off("exit", onExit);
      act();
    };
    const onMessage = (message: { result?: unknown; error?: string }) =>
      done(() => (message.error === undefined ? resolve(message.result) : reject(new Error(message.error))));
    const onExit = (code: number | null, signal: string | null) =>
      done(() => reject(new Error(`the process ended (${signal ?? code})`)));
    child.on("message", onMessage);
    child.on("exit", onExit);
    child.send(request);
  });
}

/** Chromium with a page served cross-origin isolated. `folder`: where the models stand. */
export async function browserPlaces(folder: string): Promise<BrowserPlaces | undefined> {
  const executablePath = chromium();
  if (executablePath === undefined) return undefined;
  const server = await served(folder);
  const args = ["--no-sandbox", "--enable-unsafe-webgpu", "--enable-features=Vulkan", ...adapterFlags()];
  const browser = await playwright.launch({ executablePath, args });
  return new BrowserPlaces(browser, server, folder);
}

/** PARE_BENCH_ADAPTER=hardware leaves the choice to the browser. */
const adapterFlags = () => (process.env.PARE_BENCH_ADAPTER === "hardware" ? [] : ["--use-webgpu-adapter=swiftshader"]);

type Loaded = typeof globalThis & { readonly bench: PageBench };

export class BrowserPlaces {
  constructor(
    private readonly browser: Browser,
    private readonly server: Server,
    private readonly folder: string,
  ) {}

  get version(): string {
    return this.browser.version();
  }

  async about() {
    const page = await this.page();
    const about = await page.evaluate(() => (globalThis as Loaded).bench.about());
    await page.close();
    return about;
  }

  place(build: "wasm" | "webgpu", threads: number, options: Omit<RunnerOptions, "session">): Place {
    const session = { executionProviders: [build], ...(build === "webgpu" ? { enableMemPattern: false } : {}) };
    const all: PageOptions = { ...options, session, build, threads };
    return {
      id: build === "webgpu" ? "webgpu" : `wasm-${threads}`,
      label: build === "webgpu" ? "WebGPU" : `WASM, ${threads === 1 ? "1 thread" : `${threads} threads`}`,
      open: (floatPath, feeds) => this.open(floatPath, feeds, all),
      close: async () => {},
    };
  }

  async close(): Promise<void> {
    await this.browser.close();
    this.server.close();
  }

  private async open(floatPath: string, feeds: readonly FeedSpec[], options: PageOptions): Promise<Opened> {
    const page = await this.page();
    const lines: string[] = [];
    page.on("console", (message) => lines.push(message.text()));
    const crashed = new Promise<never>((_, reject) => page.on("crash", () => reject(new Error("the page crashed"))));
    crashed.catch(() => {});
    const url = (path: string) => `/models/${relative(this.folder, path)}`;
    const output = await page.evaluate(
      ([address, specs, settings]) => (globalThis as Loaded).bench.open(address, specs, JSON.parse(settings)),
      [url(floatPath), feeds, JSON.stringify(options)] as const,
    );
    const placement = async (path: string): Promise<Placement> => {
      lines.length = 0;
      const place = page.evaluate((address) => (globalThis as Loaded).bench.place(address), url(path));
      await Promise.race([place, crashed]);
      return readPlacement(lines);
    };
    return {
      output,
      form: (path) =>
        Promise.race([page.evaluate((address) => (globalThis as Loaded).bench.form(address), url(path)), crashed]),
      ...(options.build === "webgpu" ? { placement } : {}),
      close: () => page.close(),
    };
  }

  private async page(): Promise<Page> {
    const page = await this.browser.newPage();
    page.setDefaultTimeout(120_000);
    await page.goto(`http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`);
    await page.waitForFunction(() => "bench" in globalThis);
    return page;
  }
}

/** ONNX Runtime's own words: a heading a provider, then a line a node: ` Conv (name)`. */
export function readPlacement(lines: readonly string[]): Placement {
  const placed: Record<string, Record<string, number>> = {};
  let provider: string | undefined;
  for (const line of lines.flatMap((text) => text.split("\n"))) {
    if (process.env.PARE_BENCH_DEBUG) process.stderr.write(`${line}\n`);
    const heading = /placed on \[(\w+)\]/.exec(line);
    if (heading) {
      provider = heading[1]!.replace(/ExecutionProvider$/, "");
      placed[provider] ??= {};
      if (/All nodes/.test(line)) provider = undefined;
      continue;
    }
    const node = /VerifyEachNodeIsAssignedToAnEp\w*\]\s+(\w+) \(/.exec(line);
    if (node && provider) {
      const operators = placed[provider]!;
      operators[node[1]!] = (operators[node[1]!] ?? 0) + 1;
    }
  }
  return placed;
}

const require = createRequire(import.meta.url);
const here = fileURLToPath(new URL(".", import.meta.url));
const types: Readonly<Record<string, string>> = {
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
  ".onnx": "application/octet-stream",
};

/** The page, its scripts (types taken off), onnxruntime-web's files and the models. */
async function served(models: string): Promise<Server> {
  const runtime = dirname(require.resolve("onnxruntime-web"));
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    const headers = {
      "Cross-Origin-Opener-Policy": "same-origin",
      "Cross-Origin-Embedder-Policy": "require-corp",
      "Content-Type": types[extname(path)] ?? "text/html",
    };
    if (path === "/") {
      response.writeHead(200, headers).end('<!doctype html><script type="module" src="/page.js"></script>');
      return;
    }
    if (path === "/page.js" || path === "/runner.js") {
      response.writeHead(200, headers).end(untyped(join(here, path.replace(/\.js$/, ".ts"))));
      return;
    }
    const file = /^\/ort\/[\w.-]+$/.test(path)
      ? join(runtime, path.slice(5))
      : /^\/models\/[\w./-]+$/.test(path) && !path.includes("..")
        ? join(models, path.slice(8))
        : undefined;
    if (file === undefined || !existsSync(file)) response.writeHead(404).end();
    else createReadStream(file).pipe(response.writeHead(200, headers));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

const untyped = (path: string): string =>
  typescript.transpileModule(readFileSync(path, "utf8"), {
    compilerOptions: { module: typescript.ModuleKind.ESNext, target: typescript.ScriptTarget.ES2022 },
  }).outputText;
