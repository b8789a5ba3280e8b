// Chains of rearrangements against the elements themselves: each axis that is claimed is where its elements are.

import fc from "fast-check";
import { expect, it } from "vitest";
import { type AttributeInput, int, ints } from "../ir/attributes.js";
import { makeNode } from "../ir/build.js";
import { matrixOrder, overlappingAxis, ownAxis, type View, viewDims, viewThrough, wholeView } from "./views.js";

const through = (view: View, opType: string, attributes: Record<string, AttributeInput>, shape?: readonly number[]) =>
  viewThrough(makeNode(opType, shape ? ["w", "s"] : ["w"], ["y"], { attributes }), view, () => shape);

/** The offset in the weight of each element that is seen, in order. */
function offsets(view: View): number[] {
  let found = [0];
  for (const { size, stride } of view.axes.flat()) {
    found = found.flatMap((at) => Array.from({ length: size }, (_, index) => at + index * stride));
  }
  return found;
}

const inOrder = (dims: readonly number[]) => Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, at) => at);

it("follows Transpose and Reshape as the elements move", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(sizes, fc.array(fc.nat(1000), { maxLength: 4 }), (dims, choices) => {
      let view = wholeView("float32", dims);
      let elements = inOrder(dims);
      let shape = [...dims];
      for (const choice of choices) {
        if (choice % 2 === 0) {
          const order = shape.map((_, axis) => axis).sort((a, b) => ((a * 7 + choice) % 5) - ((b * 7 + choice) % 5));
          const moved = order.map((axis) => shape[axis]!);
          const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
          elements = inOrder(moved).map((at) => {
            let [rest, from] = [at, 0];
            for (let axis = moved.length - 1; axis >= 0; axis--) {
              from += (rest % moved[axis]!) * strides[order[axis]!]!;
              rest = Math.floor(rest / moved[axis]!);
            }
            return elements[from]!;
          });
          shape = moved;
          view = through(view, "Transpose", { perm: ints(order) })!;
        } else {
          const cut = choice % (shape.length + 1);
          const wanted = [shape.slice(0, cut), shape.slice(cut)].map((part) => part.reduce((a, b) => a * b, 1));
          shape = wanted;
          const next = through(view, "Reshape", {}, [wanted[0]!, -1]);
          // An axis of several factors is cut between them, or evenly within one; these dimensions always do.
          expect(next).toBeDefined();
          view = next!;
        }
        expect(viewDims(view)).toEqual(shape);
        expect(offsets(view)).toEqual(elements);
      }
      for (const [seen, size] of shape.entries()) {
        const own = ownAxis(view, seen, dims);
        if (own === undefined) continue;
        expect(dims[own]).toBe(size);
      }
    }),
    { numRuns: 200 },
  );
});

it("splits an axis, and puts it together again", () => {
  const whole = wholeView("float32", [24, 10]);
  const heads = through(whole, "Reshape", {}, [4, -1, 0])!;
  expect(heads).toBeUndefined(); // 0 copies axis 2, which the weight has not
  const split = through(whole, "Reshape", {}, [4, 6, 10])!;
  expect(viewDims(split)).toEqual([4, 6, 10]);
  expect([0, 1, 2].map((axis) => ownAxis(split, axis, [24, 10]))).toEqual([undefined, undefined, 1]);
  expect([0, 1, 2].map((axis) => overlappingAxis(split, axis, [24, 10]))).toEqual([0, 0, 1]);
  expect(ownAxis(through(split, "Flatten", { axis: int(2) })!, 0, [24, 10])).toBe(0);
  expect(through(whole, "Reshape", {}, [16, 15])).toBeDefined();
  expect(through(through(whole, "Transpose", {})!, "Reshape", {}, [16, 15])).toBeUndefined();
});

it("knows a matrix in either order", () => {
  const whole = wholeView("float32", [1, 24, 10]);
  const matrix = through(whole, "Squeeze", {})!;
  expect(matrixOrder(matrix)).toBe("rows");
  expect(matrixOrder(through(matrix, "Transpose", {})!)).toBe("columns");
  expect(matrixOrder(through(matrix, "Unsqueeze", {}, [0])!)).toBeUndefined();
  expect(matrixOrder(through(whole, "Squeeze", {}, [0])!)).toBe("rows");
  const three = wholeView("float32", [4, 6, 10]);
  const mixed = through(three, "Transpose", { perm: ints([1, 0, 2]) })!;
  expect(matrixOrder(through(mixed, "Reshape", {}, [24, 10])!)).toBeUndefined();
  expect(matrixOrder(through(three, "Reshape", {}, [24, 10])!)).toBe("rows");
  expect(through(three, "Cast", { to: int(10) })?.dtype).toBe("float16");
  expect(through(three, "Cast", { to: int(7) })).toBeUndefined();
});
