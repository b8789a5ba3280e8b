// Which file a path or descriptor stands for, as a string that changes when the file is replaced or written to.

import type { BigIntStats } from "node:fs";

/** The `identity` of a `ByteHandle`. Take it from the open descriptor: `fstat(..., { bigint: true })`. */
export const fileIdentity = (stats: BigIntStats): string => `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeNs}`;
