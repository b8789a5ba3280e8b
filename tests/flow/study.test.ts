// A study of a real network, as the library's user makes it: stopped, taken up again, repeated with other numbers of jobs.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { load } from "../../src/load.js";
import type { StudyReport } from "../../src/metrics/study-report.js";
import { type RunEvent, type StudyOptions, type StudySettings, study, writeStudy } from "../../src/study.js";
import { example } from "../support/package.js";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "pare-study-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const settings: StudySettings = {
  scopes: ["global"],
  ratios: [0.6],
  seeds: 1,
  finetune: { steps: 2, batch: 16, lr: 1e-3, bn: "frozen" },
};

async function made(more: StudySettings = {}, options: StudyOptions = {}) {
  const events: RunEvent[] = [];
  const model = await load(join(example, "model.onnx"));
  const report = await study(
    model,
    { ...settings, ...more },
    { data: join(example, "dataset.json"), limit: 40, onRun: (event) => events.push(event), ...options },
  );
  return { report, made: events.filter(({ kept }) => !kept).length };
}

/** But for the time that runs took. */
const timeless = ({ runs, original, points, answers }: StudyReport) => ({
  original: { ...original, seconds: 0 },
  runs: runs.map((run) => ({ ...run, record: run.record && { ...run.record, seconds: 0 } })),
  points,
  answers,
});

test("a study that was stopped goes on where it was, and gives what an undisturbed one gives", async () => {
  const own = join(folder, "stopped");
  const controller = new AbortController();
  const stopped = made({}, { folder: own, jobs: 1, signal: controller.signal, onRun: () => controller.abort() });
  await expect(stopped).rejects.toThrow(/abort/i);
  const kept = readdirSync(join(own, "runs"));
  // The original and the one run that was finished.
  expect(kept).toHaveLength(2);
  writeFileSync(join(own, "runs", "no-run.json"), "{");

  const resumed = await made({}, { folder: own, jobs: 2 });
  expect(resumed.made).toBe(1);
  expect(resumed.report.runs.map(({ error }) => error)).toEqual([undefined, undefined]);
  const undisturbed = await made({}, { jobs: 2 });
  expect(undisturbed.made).toBe(2);
  expect(timeless(resumed.report)).toEqual(timeless(undisturbed.report));
  // Weights that are gone stay gone while the others train.
  const [point] = resumed.report.points;
  expect(point!.compression.mean).toBeGreaterThan(2);
});

test("another recipe is other runs, and what both studies ask for is made once", async () => {
  const own = join(folder, "wider");
  const untrained = { finetune: undefined, seeds: 2 };
  const [first, again, wider] = [
    await made(untrained, { folder: own, jobs: 1 }),
    await made(untrained, { folder: own, jobs: 1 }),
    await made({ ...untrained, ratios: [0.6, 0.8] }, { folder: own, jobs: 2 }),
  ];
  // Magnitude draws nothing: it runs once.
  expect([first.made, again.made, wider.made]).toEqual([3, 0, 3]);
  expect(again.report).toEqual(first.report);
  const { original, points, runs, answers } = wider.report;
  for (const { ratio, compression, speedUp } of points) {
    // Of the weights that may go the share is gone exactly, a few of which may have been zero; biases and normalisations stay.
    expect(compression.sd).toBeLessThan(1e-3 * compression.mean);
    expect(compression.mean).toBeLessThanOrEqual(1 / (1 - ratio));
    expect(compression.mean).toBeGreaterThan(0.6 / (1 - ratio));
    expect(speedUp.mean).toBeGreaterThan(1);
  }
  expect(runs.every(({ record }) => record!.size.macs === original.size.macs)).toBe(true);
  expect(answers.map(({ question, pairs }) => [question, pairs])).toEqual([
    ["Does magnitude (l1) beat random?", 2],
    ["Does magnitude (l1) beat random?", 2],
  ]);
  const paths = await writeStudy(wider.report, own);
  expect(paths.map((path) => path.split(".").at(-1))).toEqual(["html", "csv", "json"]);
  expect(readFileSync(paths[1]!, "utf8").trim().split("\n")).toHaveLength(1 + 1 + 6);
});

test("channels that are cut make both sizes smaller; what fails is told and tried again", async () => {
  const { report } = await made(
    { structures: ["channel"], scores: ["l1", "bn-scale"], ratios: [0.5], seeds: 1, finetune: undefined },
    { folder: join(folder, "channels"), beside: [join(example, "model.onnx")] },
  );
  expect(report.runs.map(({ error }) => error?.message)).toEqual(report.runs.map(() => undefined));
  for (const { record } of report.runs) {
    const { size } = record!;
    expect(size.bytes).toBeLessThan(0.8 * report.original.size.bytes);
    // Nothing is zero but what was so before: both counts fall alike.
    expect(size.macs).toBeLessThan(0.7 * report.original.size.macs);
    expect(size.effectiveMacs).toBeGreaterThan(0.98 * size.macs);
  }
  expect(report.beside).toMatchObject([
    { name: "model.onnx", outcome: { compression: 1, speedUp: 1, change: { value: 0 } } },
  ]);
});

test("what cannot be run is refused before anything is read", async () => {
  await expect(made({ weights: ["keep", "rewind"] })).rejects.toThrow(/combinations cannot be run/);
  await expect(made({ finetune: { epoch: 1 } as never })).rejects.toThrow(/epoch/);
  await expect(made({ scores: ["magnitude"] })).rejects.toThrow(/no score "magnitude"/);
  await expect(made({}, { data: undefined })).rejects.toThrow(/labels/);
});
