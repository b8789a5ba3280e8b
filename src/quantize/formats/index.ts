// The number formats that weights may be stored in.

import { registry } from "../../base/registry.js";
import { float16 } from "./float16.js";
import type { NumberFormat } from "./format.js";
import { int4 } from "./int4.js";
import { int8 } from "./int8.js";
import { uint4 } from "./uint4.js";
import { uint8 } from "./uint8.js";

export type { NumberFormat } from "./format.js";

export const formats = registry<NumberFormat>("number format", [float16, int8, uint8, int4, uint4]);
