// What every long action accepts: a way to stop it, to watch it, and bounds on what it may use.

export interface Progress {
  /** What is being done, in the present tense: `quantize weights`, `save`, `verify`. */
  readonly task: string;
  /** Units done and in all (bytes, samples, nodes: only the ratio matters). `total` 0 means not known. */
  readonly done: number;
  readonly total: number;
}

export interface Context {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Worker and engine threads; default: the machine's cores. */
  readonly threads?: number | undefined;
  /** Bytes of working memory that may be used; default: half of the free memory. */
  readonly memory?: number | undefined;
  /** Seed of everything random; default 0. */
  readonly seed?: number | undefined;
}
