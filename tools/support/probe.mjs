// Puts the questions of probes.py to the real runtimes: `node tools/support/probe.mjs <folder> cpu|wasm|webgpu|webgpu-wasm`.
// Answers go to <folder>/<provider>.jsonl, one a line. A runtime that ends its process is started again by a loop in
// the shell; the question that ended it is answered "CRASH". "webgpu" forbids the fall back to the CPU, "webgpu-wasm" allows it.

import { appendFileSync, createReadStream, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";

const require = createRequire(import.meta.url);
const [folder, provider] = process.argv.slice(2);
const questions = readFileSync(join(folder, "probes.jsonl"), "utf8").trim().split("\n");
const out = join(folder, `${provider}.jsonl`);
const open = `${out}.open`;
const answered = () => (existsSync(out) ? readFileSync(out, "utf8").split("\n").length - 1 : 0);
const answer = (text) => appendFileSync(out, `${JSON.stringify(text)}\n`);
if (existsSync(open) && Number(readFileSync(open, "utf8")) === answered()) answer("CRASH");

/** What a page says whose runtime has failed for good. */
const LOST = /another WebGPU EP|memory access out of bounds/;
const ask = provider.startsWith("webgpu") ? await inChromium() : await inNode();
for (let at = answered(); at < questions.length; at++) {
  writeFileSync(open, String(at));
  answer(await ask.one(JSON.parse(questions[at]).model));
}
rmSync(open, { force: true });
await ask.close();

async function inNode() {
  const ort = require(provider === "cpu" ? "onnxruntime-node" : "onnxruntime-web");
  ort.env.logLevel = "fatal";
  if (provider === "wasm") ort.env.wasm.numThreads = 1;
  const options = { graphOptimizationLevel: "disabled", logSeverityLevel: 4, executionProviders: [provider] };
  return {
    close: async () => {},
    one: (model) =>
      ort.InferenceSession.create(new Uint8Array(Buffer.from(model, "base64")), options)
        .then((session) => session.release())
        .then(
          () => "ok",
          (error) => String(error.message).slice(0, 300),
        ),
  };
}

/** A page with a software adapter: which kernels there are does not depend on the GPU. */
async function inChromium() {
  const { chromium } = require("playwright-core");
  const dist = dirname(require.resolve("onnxruntime-web"));
  const server = createServer((request, response) => {
    const file = join(dist, basename(request.url ?? ""));
    response.setHeader(
      "content-type",
      { js: "text/javascript", mjs: "text/javascript", wasm: "application/wasm" }[file.split(".").pop()] ?? "text/html",
    );
    if (request.url === "/") response.end("<html></html>");
    else
      createReadStream(file)
        .on("error", () => response.writeHead(404).end())
        .pipe(response);
  }).listen(0);
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan"],
  });
  const config = provider === "webgpu" ? { session: { disable_cpu_ep_fallback: "1" } } : {};
  const fresh = async () => {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    await page.evaluate(prepare, config);
    return page;
  };
  let page = await fresh();
  const put = (model) => page.evaluate((text) => globalThis.ask(text), model);
  return {
    async one(model) {
      const first = await put(model);
      if (!LOST.test(first)) return first;
      // The runtime of that page is lost, and with it every answer after: another page, and once more.
      await page.close();
      page = await fresh();
      return put(model);
    },
    close: async () => {
      await browser.close();
      server.close();
    },
  };
}

/** Runs in the page. */
async function prepare(config) {
  const ort = await import("/ort.webgpu.min.mjs");
  ort.env.logLevel = "fatal";
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = "/";
  const options = {
    graphOptimizationLevel: "disabled",
    logSeverityLevel: 4,
    executionProviders: ["webgpu"],
    extra: config,
  };
  globalThis.ask = (model) =>
    ort.InferenceSession.create(
      Uint8Array.from(atob(model), (one) => one.charCodeAt(0)),
      options,
    )
      .then((session) => session.release())
      .then(
        () => "ok",
        (error) => String(error.message ?? error).slice(0, 300),
      );
}
