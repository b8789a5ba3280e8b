// How large one temporary tensor of a gradient may be.

/** Bytes. Beyond the caches anyway; large enough that products are not cut into small ones. */
export const MAX_SCRATCH = 64 * 2 ** 20;
