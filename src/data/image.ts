// Pixels as a platform decodes them; resize, crop and normalise are ours (`resize.ts`), equal in Node and the page.

export interface RawImage {
  readonly width: number;
  readonly height: number;
  /** 1 grey, 3 RGB, 4 RGBA; interleaved, rows from the top. */
  readonly channels: 1 | 3 | 4;
  readonly data: Uint8Array;
}
