import { expect, it } from "vitest";
import { curve } from "./curve.js";

const line = (ys: readonly number[]) => ys.map((y, x) => ({ x, y }));

it("a falling line runs from the upper left to the lower right, its ends at the side", () => {
  expect(curve(line([4, 3, 2, 1, 0, -1, -2, -3]), 4, 2)).toBe(" 4 ┤⠑⢄⠀⠀\n-3 ┤⠀⠀⠑⢄");
});

it("many points are averaged, gaps and steep pieces drawn through, and what is not finite left out", () => {
  const text = curve([...line([1, Number.NaN, 1, 1, Number.POSITIVE_INFINITY, 1]), { x: 10, y: 0 }], 3, 1);
  expect(text).toBe("1 ┤⠉⠉⢆");
  expect(curve(line([1, 1, 1, 0, 0, 0]), 3, 1)).toBe("1 ┤⠉⢱⣀");
  expect(curve(line(Array.from({ length: 10_000 }, (_, i) => i % 2)), 5, 1).split("\n")).toHaveLength(1);
});

it("is level for equal values, and nothing for one", () => {
  expect(curve(line([2, 2, 2]), 2, 1)).toBe("2 ┤⠉⠉");
  expect(curve(line([2]))).toBe("");
});
