// `pare model.onnx` with no flags, as a user runs it, on every portfolio model and on generated graphs of other kinds.
// Prints the table of size, gate and chosen form.

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toBytes } from "../../src/onnx/encode.js";
import { built } from "../support/package.js";
import { portfolioModels } from "../support/portfolio.js";
import { keyOf } from "../support/portfolio-data.js";
import { zoo } from "../support/zoo.js";

const run = promisify(execFile);
const rows: Record<string, string | number>[] = [];
let folder = "";

interface Answer {
  readonly output: string | null;
  readonly bytes: number;
  readonly chosen: string | null;
  readonly before: { readonly bytes: number };
  readonly data: { readonly synthetic: boolean };
  readonly verification: { readonly verified: string; readonly outputs: readonly { readonly cosine: number }[] };
  readonly attempts: readonly {
    readonly form: string;
    readonly passed: boolean;
    readonly quality: { readonly passed: boolean; readonly reason: string };
    readonly latency: Readonly<Record<string, number>>;
  }[];
}

async function pare(model: string, out: string, ...flags: string[]): Promise<Answer> {
  const { stdout } = await run(process.execPath, [join(built(), "node/cli.js"), model, "-o", out, "--json", ...flags]);
  return JSON.parse(stdout) as Answer;
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "pare-flow-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  console.table(rows);
});

function check(name: string, answer: Answer, out: string): void {
  const chosen = answer.attempts.find(({ form }) => form === answer.chosen);
  rows.push({
    model: name,
    before: answer.before.bytes,
    after: answer.bytes,
    smaller: Number((answer.before.bytes / answer.bytes).toFixed(2)),
    form: answer.chosen ?? "none",
    gate: chosen?.quality.reason ?? "",
    time: Object.entries(chosen?.latency ?? {})
      .map(([engine, ratio]) => `${engine} ${ratio.toFixed(2)}`)
      .join(" "),
    verified: answer.verification.verified,
  });
  expect(chosen?.passed).toBe(true);
  expect(statSync(out).size).toBe(answer.bytes);
  expect(answer.bytes).toBeLessThan(answer.before.bytes);
  expect(answer.verification.verified).toBe("full");
  for (const { cosine } of answer.verification.outputs) expect(cosine).toBeGreaterThan(0.99);
}

describe("pare model.onnx finds a smaller form", () => {
  const models = portfolioModels();
  test.skipIf(models.length === 0).each(models.map((path) => ({ name: keyOf(path), path })))(
    "$name",
    { timeout: 180_000 },
    async ({ name, path }) => {
      const out = join(folder, `${name}.pared.onnx`);
      const before = statSync(path);
      check(name, await pare(path, out), out);
      // The input is never touched.
      expect([statSync(path).size, statSync(path).mtimeMs]).toEqual([before.size, before.mtimeMs]);
    },
  );

  test.each(zoo().map(({ name, model }) => ({ name, model })))(
    "generated: $name",
    { timeout: 180_000 },
    async ({ name, model }) => {
      const path = join(folder, `${name}.onnx`);
      const out = join(folder, `${basename(name)}.pared.onnx`);
      writeFileSync(path, await toBytes(model));
      check(name, await pare(path, out), out);
    },
  );
});
