// What a session takes of memory, estimated before it is made.

import { SESSION_FACTOR } from "../engine/weight-bytes.js";
import type { Subject } from "./metric.js";

export const sessionBytes = ({ bytes }: Pick<Subject, "bytes">): number => bytes * SESSION_FACTOR;
