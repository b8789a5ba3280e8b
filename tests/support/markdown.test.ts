// The reader of pages that the docs checks stand on.

import { expect, test } from "vitest";
import { parsePage } from "./markdown.js";

test("finds blocks with their remarks, links outside of code, and anchors as GitHub makes them", () => {
  const page = parsePage(`# A *first* heading!

See [the other](other.md#x-y) and \`[not](this.md)\`.

<!-- not run: it downloads a model -->

\`\`\`sh
pare [a](b.md)
\`\`\`

A line.

\`\`\`json
{}
\`\`\`

## Same
## Same
`);
  expect([...page.anchors]).toEqual(["a-first-heading", "same", "same-1"]);
  expect(page.links).toEqual([{ target: "other.md#x-y", line: 3 }]);
  expect(page.snippets).toEqual([
    { language: "sh", text: "pare [a](b.md)\n", line: 7, notRun: "it downloads a model", file: undefined, fails: 0 },
    { language: "json", text: "{}\n", line: 13, notRun: undefined, file: undefined, fails: 0 },
  ]);
});

test("refuses a block that is not closed", () => {
  expect(() => parsePage("text\n```sh\npare\n")).toThrow("line 2");
});
