// Cuts the forward pass into segments, for the least memory: what crosses from one segment to a later one is kept, what is
// needed inside a segment is there one segment at a time. Exact for that model: the least sum of what is kept plus the largest
// segment, over all cuts.

/** One forward node, by place in the order. */
export interface Place {
  readonly values: readonly {
    readonly bytes: number;
    /** The place of the last forward node that reads it; its own where none does. */
    readonly last: number;
    /** Whether the backward pass reads it. */
    readonly stored: boolean;
  }[];
}

export interface Cuts {
  /** Where segments begin, the first at 0. */
  readonly starts: readonly number[];
  /** Bytes that are kept from the forward pass, and those of the largest segment. */
  readonly kept: number;
  readonly largest: number;
}

/** Cuts are tried at this many places at most, the cheapest of their neighbourhoods. */
const MOST_PLACES = 400;
/** Sizes of the largest segment that are tried, between the largest value and all values, by equal factors. */
const SIZES = 40;

/** `segments`: how many are wanted; default: as many as need the least memory. */
export function cutSegments(places: readonly Place[], segments?: number): Cuts {
  const candidates = candidatePlaces(places);
  const total = places.reduce((sum, { values }) => sum + bytesOf(values), 0);
  const smallest = Math.max(1, ...places.flatMap(({ values }) => values.map(({ bytes }) => bytes)));
  const tried = Array.from({ length: SIZES }, (_, i) => smallest * (total / smallest) ** (i / (SIZES - 1)));
  const found = tried.flatMap((size) => cutWithin(places, candidates, size) ?? []);
  found.push({ starts: [0], kept: 0, largest: total });
  const away = (cuts: Cuts) => (segments === undefined ? 0 : Math.abs(cuts.starts.length - segments));
  return found.reduce((best, cuts) =>
    away(cuts) < away(best) || (away(cuts) === away(best) && cuts.kept + cuts.largest < best.kept + best.largest)
      ? cuts
      : best,
  );
}

const bytesOf = (values: Place["values"]) => values.reduce((sum, { bytes, stored }) => sum + (stored ? bytes : 0), 0);

/** Ends of segments that are worth trying: everywhere, or in each stretch of nodes the place that the fewest bytes cross. */
function candidatePlaces(places: readonly Place[]): number[] {
  const all = places.map((_, place) => place + 1);
  if (all.length <= MOST_PLACES) return all;
  const change = new Array<number>(places.length + 2).fill(0);
  places.forEach(({ values }, place) => {
    for (const { bytes, last } of values) {
      change[place + 1]! += bytes;
      change[last + 1]! -= bytes;
    }
  });
  let crossing = 0;
  const crossings = change.map((more) => {
    crossing += more;
    return crossing;
  });
  const stretch = all.length / MOST_PLACES;
  const chosen = Array.from({ length: MOST_PLACES }, (_, i) => {
    const within = all.slice(Math.floor(i * stretch), Math.floor((i + 1) * stretch));
    return within.reduce((best, end) => (crossings[end]! < crossings[best]! ? end : best));
  });
  return [...new Set([...chosen, all.length])];
}

/** The cuts that keep the fewest bytes with no segment above `size`; undefined where there are none. */
function cutWithin(places: readonly Place[], candidates: readonly number[], size: number): Cuts | undefined {
  const endingAt: { bytes: number; stored: boolean; from: number }[][] = places.map(() => []);
  places.forEach(({ values }, from) => {
    for (const { bytes, stored, last } of values) if (last > from) endingAt[last]!.push({ bytes, stored, from });
  });
  const isCandidate = new Set(candidates);
  interface Best {
    readonly kept: number;
    readonly from: number;
    readonly inner: number;
  }
  const best: (Best | undefined)[] = [{ kept: 0, from: 0, inner: 0 }];
  for (let start = 0; start < places.length; start++) {
    const before = best[start];
    if (before === undefined) continue;
    let escaping = 0;
    let inner = 0;
    for (let at = start; at < places.length && inner <= size; at++) {
      for (const { bytes, stored, from } of endingAt[at]!) {
        if (from < start) continue;
        escaping -= bytes;
        if (stored) inner += bytes;
      }
      for (const { bytes, stored, last } of places[at]!.values) {
        if (last > at) escaping += bytes;
        else if (stored) inner += bytes;
      }
      const end = at + 1;
      if (inner > size || !isCandidate.has(end)) continue;
      const kept = before.kept + escaping;
      if (best[end] === undefined || kept < best[end].kept) best[end] = { kept, from: start, inner };
    }
  }
  const whole = best[places.length];
  if (whole === undefined) return undefined;
  const starts: number[] = [];
  let largest = 0;
  for (let end = places.length; end > 0; ) {
    const { from, inner } = best[end]!;
    starts.unshift(from);
    largest = Math.max(largest, inner);
    end = from;
  }
  return { starts, kept: whole.kept, largest };
}
