// The forms of a study: a page that needs nothing else, a table that scripts read, the terminal.

import Papa from "papaparse";
import { expect, test } from "vitest";
import type { StudyMethod, StudyRecord, StudyReport, StudyRun } from "../../metrics/study-report.js";
import { printStudy, studyForms } from "./index.js";

const HOSTILE = '=cmd|"<script src=https://evil.example/x.js></script>';

function record(value: number): StudyRecord {
  return {
    pare: "1",
    key: `k${value}`,
    recipe: [{ method: "prune" }],
    seed: 1,
    metric: "top-1",
    better: "higher",
    size: { parameters: 100, nonZero: 50, bytes: 400, gzip: null, macs: 1000, effectiveMacs: 400 },
    heldOut: { value, samples: 4 },
    measured: { value, samples: 4, perSample: "0110" },
    seconds: 2,
    notes: [],
  };
}
const change = { value: -0.1, low: -0.2, high: 0.05, samples: 4 };
const outcome = { compression: 2, speedUp: 2.5, bytes: 1.01, change };
const method = (score: string, schedule = "one-shot"): StudyMethod => ({
  structure: "unstructured",
  score,
  scope: "global",
  schedule,
  steps: 1,
  weights: "keep",
});
const run = (score: string, seed: number, schedule?: string): StudyRun => ({
  method: method(score, schedule),
  ratio: 0.5,
  seed,
  key: "k",
  record: record(0.8),
  outcome,
});
const spread = (mean: number) => ({ mean, sd: 0.01, low: mean - 0.02, high: mean + 0.01, n: 2 });
const scores = ["random", "l1", "l2", "taylor", "snip", "fisher", "wanda", "lamp"];
const point = (score: string, ratio: number, schedule = "one-shot") => ({
  method: method(score, schedule),
  name: score,
  ratio,
  failed: 0,
  compression: spread(1 / (1 - ratio)),
  speedUp: spread(2),
  bytes: spread(1),
  accuracy: spread(0.9 - ratio / 2),
  heldOut: null,
  change,
});
const report: StudyReport = {
  pare: "1.2.3",
  model: HOSTILE,
  machine: { platform: "linux", cpu: "cpu", cores: 2, memory: 1e9, runtime: "ort" },
  data: { name: HOSTILE, measured: 4, heldOut: 4, trained: 10 },
  metric: "top-1",
  better: "higher",
  seeds: [1, 2],
  finetune: { steps: 5 },
  original: record(0.9),
  beside: [{ name: HOSTILE, record: record(0.85), outcome }],
  points: scores.flatMap((score) => [point(score, 0.5), point(score, 0.9), point(score, 0.9, "cubic")]),
  answers: [
    {
      question: "Local or global?",
      structure: "unstructured",
      first: "uniform",
      second: "global",
      ratio: 0.5,
      pairs: 3,
      wins: 0,
      difference: { value: -0.2, low: -0.3, high: -0.1, samples: 4 },
      verdict: "worse",
      compression: [2, 2],
      speedUp: [2, 1.5],
    },
  ],
  choices: [{ structure: "unstructured", ratio: 0.5, point: point("l1", 0.5) }],
  runs: [
    run("l1", 1),
    run("l1", 2),
    { method: method("l1"), ratio: 0.9, seed: 1, key: "x", error: { code: "e", message: HOSTILE } },
  ],
  notes: [{ level: "info", code: "n", text: HOSTILE }],
};
const form = (extension: string) => studyForms.find((one) => one.extension === extension)!.render(report);

test("the page needs nothing else and nothing in it acts", async () => {
  const page = await form("html");
  expect(page).not.toMatch(/<script|<link|<img|<iframe|\son\w+=|@import|url\(/i);
  // Names are text: no tag refers to anything.
  expect(page.match(/<[^>]*\s(src|href|action|data|poster)\s*=/gi)).toBeNull();
  expect(page).toContain("default-src 'none'");
  // The mark, and two charts.
  expect(page.match(/<svg/g)).toHaveLength(3);
  // Fields by schedule, a line and a band for each score, the model beside.
  for (const word of ["one-shot, keep", "cubic, keep", "compression (log)", "theoretical speed-up (log)", "10×"]) {
    expect(page).toContain(word);
  }
  for (const score of scores) expect(page).toContain(`</span>${score}</span>`);
  // The answer names the better of the two.
  expect(page).toContain('<span class="chip bad">uniform</span>');
  expect(page).toContain("−0.2000 (95% −0.3000 to −0.1000, n = 4)");
  expect(page).toContain("Runs that failed: 1");
  expect(await form("html")).toBe(page);
});

test("CSV comes back as it was, one line a run", async () => {
  const [head, ...lines] = Papa.parse(await form("csv"), { skipEmptyLines: true }).data;
  expect(new Set(lines.map((line) => line.length))).toEqual(new Set([head!.length]));
  const rows = lines.map((line) => Object.fromEntries(line.map((cell, at) => [head![at], cell])));
  expect(rows.map(({ kind }) => kind)).toEqual(["original", "beside", "run", "run", "run"]);
  expect(rows[2]).toMatchObject({
    score: "l1",
    ratio: "0.5",
    seed: "1",
    compression: "2",
    value: "0.8",
    change: "-0.1",
  });
  expect(rows[4]).toMatchObject({ value: "", error: `'${HOSTILE}` });
  // No cell begins as a formula does.
  expect(lines.flat().filter((cell) => /^[=+@]/.test(cell))).toEqual([]);
});

test("JSON holds the study without every sample", async () => {
  const found = JSON.parse(await form("json")) as StudyReport;
  expect(found.points).toEqual(JSON.parse(JSON.stringify(report.points)));
  expect(found.runs[0]!.record!.measured).toEqual({ value: 0.8, samples: 4 });
  expect(found.runs[2]!.error!.message).toBe(HOSTILE);
});

test("the terminal shows answers, choices and failures", () => {
  const text = printStudy(report);
  expect(text).toContain("top-1 0.9000 on 4 samples");
  expect(text).toMatch(/Local or global\?.*50 %\s+uniform\s+−0\.2000/);
  expect(text).toMatch(/unstructured\s+50 %\s+l1\s+2\.00×\s+2\.00×\s+0\.6500/);
  expect(text).toContain("1 of 3 runs failed");
  expect(text).not.toContain("\u001b[31m=");
});
