// Every description of a dataset in the docs is one that pare accepts.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readers } from "../../src/data/index.js";
import { checkSpec } from "../../src/data/spec.js";
import { parsePage } from "../support/markdown.js";

const page = parsePage(readFileSync(new URL("../../docs/data.md", import.meta.url), "utf8"));
const described = page.snippets.filter(({ language }) => language === "json");

describe("docs/data.md", () => {
  it.each(described.map(({ line, text }) => [line, text] as const))("line %i", (line, text) => {
    expect(checkSpec(JSON.parse(text), `line ${line}`).reader).toBeDefined();
  });

  it("tells of every reader", () => {
    const text = readFileSync(new URL("../../docs/data.md", import.meta.url), "utf8");
    const headings = [...text.matchAll(/^### (.+)$/gm)].flatMap(([, heading]) => heading!.split(", "));
    expect(headings).toEqual(expect.arrayContaining([...readers.names]));
  });
});
