// Inner values made comparable: one width by a learned projection, one size by pooling the larger.

import type { Emitter, ValueShape } from "../emitter.js";
import { type OwnWeight, type TeacherFit, type TeacherSite, unfit } from "./teacher-loss.js";

const isMap = ({ dims }: ValueShape) => dims.length === 4;

/** Axis of channels or features: 1 of maps [batch, channels, height, width], else the last. */
export const featureAxis = (dims: readonly number[]): number => (dims.length === 4 ? 1 : dims.length - 1);

/** The projection from the student's width to the teacher's, where they differ. */
export function projection({ student, teacher }: TeacherFit<unknown>): readonly OwnWeight[] {
  const [from, to] = [student, teacher].map(({ dims }) => dims[featureAxis(dims)]!) as [number, number];
  if (from === to) return [];
  return [{ name: "projection", dims: isMap(student) ? [to, from, 1, 1] : [from, to], fanIn: from }];
}

/** Throws for ranks that differ, and sizes of which none is a multiple of the other. */
export function comparable({ student, teacher, names }: TeacherFit<unknown>): void {
  const [own, other] = [student.dims, teacher.dims];
  if (own.length !== other.length || own.length < 2) {
    throw unfit(names, `a value of rank ${other.length}, as the teacher's [${other}]`, `[${own}]`);
  }
  const axis = featureAxis(own);
  for (const [at, size] of own.entries()) {
    if (at === 0 || at === axis || size === other[at]) continue;
    const ratio = Math.max(size, other[at]!) / Math.min(size, other[at]!);
    if (own.length === 4 && Number.isInteger(ratio)) continue;
    throw unfit(names, `[${other}], or whole multiples in height and width of maps`, `[${own}]`);
  }
}

/** Both in the teacher's width, and in the smaller of both sizes. */
export function aligned(site: TeacherSite<unknown>): { readonly own: string; readonly wanted: string } {
  const { emit, student, teacher } = site;
  let own = site.value;
  let wanted = site.target;
  if (isMap(student)) {
    const factors = [2, 3].map((axis) => student.dims[axis]! / teacher.dims[axis]!);
    own = pooled(emit, own, factors);
    wanted = pooled(
      emit,
      wanted,
      factors.map((factor) => 1 / factor),
    );
  }
  const [projected] = projection(site);
  if (projected !== undefined) {
    const weight = site.weight(projected.name);
    const [batch, , ...rest] = emit.dims(own);
    own = isMap(student)
      ? emit.op("Conv", [own, weight], {
          dims: [batch!, projected.dims[0]!, ...rest],
          attributes: { kernel_shape: [1, 1] },
        })
      : emit.matmul(own, weight);
  }
  return { own, wanted };
}

/** The mean over whole windows; factors of 1 and below are left as they are. */
function pooled(emit: Emitter, value: string, factors: readonly number[]): string {
  const window = factors.map((factor) => Math.max(1, Math.round(factor)));
  if (window.every((size) => size === 1)) return value;
  const [batch, channels, ...sizes] = emit.dims(value);
  return emit.op("AveragePool", [value], {
    dims: [batch!, channels!, ...sizes.map((size, at) => size / window[at]!)],
    attributes: { kernel_shape: window, strides: window },
  });
}

/** One row a sample: [batch, everything else]. */
export function rows(emit: Emitter, value: string): string {
  const [batch, ...rest] = emit.dims(value);
  return emit.reshape(value, [batch!, rest.reduce((all, size) => all * size, 1)]);
}

/** Rows of length 1. */
export const unit = (emit: Emitter, value: string): string =>
  emit.div(value, emit.sqrt(emit.shift(emit.reduceSquares(value, [1]), 1e-12)));
