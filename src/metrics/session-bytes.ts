// What a session takes of memory, estimated before it is made.

import type { Subject } from "./metric.js";

/** A session holds the file's bytes, the runtime's copy and its prepacked form: 2.2 was measured for a float model. */
const SESSION_BYTES_PER_BYTE = 2.5;

export const sessionBytes = ({ bytes }: Pick<Subject, "bytes">): number => bytes * SESSION_BYTES_PER_BYTE;
