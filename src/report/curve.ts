// A curve in the terminal: dots of braille, two by four in a character.

export interface CurvePoint {
  readonly x: number;
  readonly y: number;
}

const DOTS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const;

/**
 * Lines of text: the mean of the points in each column of dots, with the greatest and the least value at the side. Points that
 * are not finite are left out, and "" is what fewer than two are.
 */
export function curve(points: readonly CurvePoint[], width = 64, height = 8): string {
  const finite = points.filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y));
  if (finite.length < 2) return "";
  const [left, right] = [Math.min(...finite.map(({ x }) => x)), Math.max(...finite.map(({ x }) => x))];
  const columns = Array.from({ length: 2 * width }, () => ({ sum: 0, count: 0 }));
  for (const { x, y } of finite) {
    const column = columns[Math.round(((x - left) / (right - left || 1)) * (columns.length - 1))]!;
    column.sum += y;
    column.count++;
  }
  const means = joined(columns.map(({ sum, count }) => (count === 0 ? undefined : sum / count)));
  const [low, high] = [Math.min(...means), Math.max(...means)];
  const rows = Array.from({ length: height }, () => new Array<number>(width).fill(0x2800));
  let level: number | undefined;
  means.forEach((mean, at) => {
    const next = Math.round(((high - mean) / (high - low || 1)) * (4 * height - 1));
    // A steep piece is drawn through, so that the curve holds together.
    const from = level === undefined || level === next ? next : level + Math.sign(next - level);
    for (let y = Math.min(next, from); y <= Math.max(next, from); y++) {
      rows[Math.floor(y / 4)]![Math.floor(at / 2)]! |= DOTS[at % 2]![y % 4]!;
    }
    level = next;
  });
  const labels = rows.map((_, row) => (row === 0 ? short(high) : row === height - 1 ? short(low) : ""));
  const margin = Math.max(...labels.map((label) => label.length));
  return rows.map((row, at) => `${labels[at]!.padStart(margin)} ┤${String.fromCharCode(...row)}`).join("\n");
}

/** A straight line where columns have no point of their own; the first has one. */
function joined(means: readonly (number | undefined)[]): number[] {
  let before = 0;
  return means.map((mean, at) => {
    if (mean !== undefined) before = at;
    const after = means.findIndex((one, place) => place >= at && one !== undefined);
    if (mean !== undefined || after < 0) return means[before]!;
    return means[before]! + ((means[after]! - means[before]!) * (at - before)) / (after - before);
  });
}

const short = (value: number) => Number(value.toPrecision(3)).toString();
