// The forms of a report: stable text for stable numbers, harmless whatever the names are, and true to the schema.

import { parseHTML } from "linkedom";
import { describe, expect, test } from "vitest";
import { type Report, reportSchema } from "../../src/metrics/report.js";
import { reports } from "../../src/report/index.js";
import { emptyRow, sampleReport } from "../support/sample-report.js";

const render = (name: string, report: Report) => reports.get(name).render(report);

describe("each form", () => {
  test.each(reports.names)("%s is as it was", async (name) => {
    // One extension for all: a formatter or a browser that finds them leaves them as they are.
    await expect(await render(name, sampleReport())).toMatchFileSnapshot(`report/${name}.snap`);
  });

  test.each(reports.names)("%s is the same twice", async (name) => {
    expect(await render(name, sampleReport())).toBe(await render(name, sampleReport()));
  });

  test.each(reports.names)("%s takes one model with nothing measured", async (name) => {
    const { pare, machine, seed } = sampleReport();
    const bare: Report = {
      pare,
      machine,
      seed,
      data: { name: "synthetic", synthetic: true, labelled: false, samples: 0 },
      models: [emptyRow],
    };
    const text = await render(name, bare);
    expect(text).toContain("a.onnx");
    expect(text).not.toMatch(/NaN|undefined|Infinity/);
  });
});

test("the JSON form is a Report by its schema", async () => {
  const read: unknown = JSON.parse(await render("json", sampleReport()));
  expect(reportSchema.parse(read)).toEqual(sampleReport());
  expect(() => reportSchema.parse({ ...sampleReport(), models: [] })).toThrow();
});

const HOSTILE = `"><script>alert(1)</script><img src=x onerror=alert(2)>'\u001b[31m\u202e|[x](javascript:1)\`*_\n# https://example.test/x`;

/** Every name and text in the report is an attack. */
function hostile(): Report {
  const attack = (value: unknown): unknown => {
    if (typeof value === "string") return HOSTILE;
    if (Array.isArray(value)) return value.map(attack);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, attack(inner)]));
  };
  const kept = ["level", "better", "verified"];
  const restore = (made: unknown, original: unknown): unknown => {
    if (Array.isArray(made)) return made.map((each, i) => restore(each, (original as unknown[])[i]));
    if (typeof made !== "object" || made === null) return made;
    const from = original as Record<string, unknown>;
    return Object.fromEntries(
      Object.entries(made).map(([key, value]) => [key, kept.includes(key) ? from[key] : restore(value, from[key])]),
    );
  };
  return reportSchema.parse(restore(attack({ ...sampleReport(), title: "x" }), sampleReport()));
}

describe("hostile names", () => {
  test("HTML has no script, no handler, no reference and no element of theirs", async () => {
    const text = await render("html", hostile());
    expect(text).not.toMatch(/<script|<img|<iframe|<link/i);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
    expect(text).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u202a-\u202e]/);
    const { document } = parseHTML(text);
    for (const element of document.querySelectorAll("*")) {
      for (const { name, value } of element.attributes) {
        expect(name).not.toMatch(/^on/i);
        expect(`${element.tagName} ${name}`).not.toMatch(/ (href|src|action|xlink:href)$/i);
        if (name === "style") expect(value).not.toMatch(/url|javascript/i);
      }
    }
    expect(document.querySelector("h1")?.textContent).toContain("<script>alert(1)</script>");
  });

  test("the page names no address on the network", async () => {
    const text = await render("html", sampleReport());
    const namespaces = text.replaceAll(/xmlns(:\w+)?="[^"]*"/g, "");
    expect(namespaces).not.toMatch(/https?:|\/\/[a-z]/i);
    expect(text).toContain("default-src 'none'");
  });

  test("Markdown shows them as text", async () => {
    const text = await render("md", hostile());
    expect(text).not.toMatch(/(?<!\\)<(script|img)/);
    expect(text).not.toMatch(/(?<!\\)\]\(javascript/);
    expect(text).not.toMatch(/[^\\:]https?:\/\//);
    // Every table row keeps its columns.
    const rows = text.split("\n").filter((line) => line.startsWith("|"));
    const columns = (line: string) => line.replaceAll(/\\./g, "").split("|").length;
    const tables = text.split("\n\n").filter((block) => block.startsWith("|"));
    for (const block of tables) expect(new Set(block.split("\n").map(columns)).size).toBe(1);
    expect(rows.length).toBeGreaterThan(10);
  });

  test("the terminal form sends no control sequence of theirs", async () => {
    const text = await render("table", hostile());
    expect(text).not.toContain("\u001b[31m\u202e");
    expect(text).not.toContain("\u202e");
  });
});
