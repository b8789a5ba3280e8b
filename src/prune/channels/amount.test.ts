import { expect, test } from "vitest";
import { parseAmount } from "./amount.js";

test("shares are what goes, absolute numbers what may be left", () => {
  expect(parseAmount("macs", "50%")).toEqual({ share: 0.5 });
  expect(parseAmount("channels", 0.25)).toEqual({ share: 0.25 });
  expect(parseAmount("macs", "30M")).toEqual({ left: 30e6 });
  expect(parseAmount("macs", 30e6)).toEqual({ left: 30e6 });
  expect(parseAmount("bytes", "1.5 MB")).toEqual({ left: 1.5e6 });
  expect(parseAmount("bytes", "2KiB")).toEqual({ left: 2048 });
  expect(parseAmount("latency", "5ms")).toEqual({ left: 5 });
  expect(parseAmount("latency", "0.5s")).toEqual({ left: 500 });
});

test.each([
  ["channels", "30"],
  ["channels", "100%"],
  ["macs", "0%"],
  ["macs", "5ms"],
  ["latency", "5"],
  ["bytes", "-1MB"],
  ["bytes", "much"],
] as const)("%s %s is refused with what to write", (measure, text) => {
  expect(() => parseAmount(measure, text)).toThrow(expect.objectContaining({ code: "goal-invalid", found: text }));
});
