// The fewest of a ranked list that will do, in few attempts: doubling, halving, then leaving out one at a time.

export interface Attempted {
  readonly holds: boolean;
  /** What is still lost; the least one is the best where nothing holds. */
  readonly drop: number;
}

export interface Fewest<T> {
  readonly which: readonly number[];
  readonly attempt: T;
}

/** Leaving one out is tried for so many, the least gain first. */
const LEFT_OUT = 6;

/**
 * Tries prefixes of 0 ... count-1 until one holds, the shortest that does as far as halving tells (more is taken to be no
 * worse), then without single members, those of least gain first. Undefined `found` where not even all of them do; `best` is
 * the attempt with the smallest drop.
 */
export async function fewest<T extends Attempted>(
  gains: readonly number[],
  attempt: (which: readonly number[]) => Promise<T>,
): Promise<{ readonly found: Fewest<T> | undefined; readonly best: Fewest<T> | undefined }> {
  let best: Fewest<T> | undefined;
  const attemptOf = async (which: readonly number[]): Promise<Fewest<T>> => {
    const tried = { which, attempt: await attempt(which) };
    if (best === undefined || tried.attempt.drop < best.attempt.drop) best = tried;
    return tried;
  };
  const count = gains.length;
  let [fails, size] = [0, Math.min(1, count)];
  let found: Fewest<T> | undefined;
  while (size > 0) {
    const tried = await attemptOf(prefix(size));
    if (tried.attempt.holds) {
      found = tried;
      break;
    }
    if (size === count) break;
    fails = size;
    size = Math.min(count, size * 2);
  }
  if (found === undefined) return { found, best };
  while (found.which.length - fails > 1) {
    const middle = Math.floor((found.which.length + fails) / 2);
    const tried = await attemptOf(prefix(middle));
    if (tried.attempt.holds) found = tried;
    else fails = middle;
  }
  // The last of the prefix is needed: without it, it did not hold.
  const others = found.which.slice(0, -1).sort((a, b) => gains[a]! - gains[b]!);
  for (const one of others.slice(0, LEFT_OUT)) {
    const tried = await attemptOf(found.which.filter((other) => other !== one));
    if (tried.attempt.holds) found = tried;
  }
  return { found, best };
}

const prefix = (size: number) => Array.from({ length: size }, (_, at) => at);
