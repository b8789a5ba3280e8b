// From what size on compressed sizes are those of samples.

/** Above this much is sampled: brotli does about 40 MB a second. */
export const WHOLE_LIMIT = 256e6;

/** Of one sample: gzip's window is 32 KiB and brotli's 4 MiB, so that a sample loses little of its context. */
export const SAMPLE_BYTES = 2 ** 20;
