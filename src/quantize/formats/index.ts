// The number formats that weights may be stored in.

import { registry } from "../../base/registry.js";
import { bfloat16 } from "./bfloat16.js";
import { binary } from "./binary.js";
import { codebook } from "./codebook.js";
import { float4e2m1 } from "./float4e2m1.js";
import { float6e2m3 } from "./float6e2m3.js";
import { float6e3m2 } from "./float6e3m2.js";
import { float8e4m3fn } from "./float8e4m3fn.js";
import { float8e4m3fnuz } from "./float8e4m3fnuz.js";
import { float8e5m2 } from "./float8e5m2.js";
import { float8e5m2fnuz } from "./float8e5m2fnuz.js";
import { float16 } from "./float16.js";
import { float32 } from "./float32.js";
import type { NumberFormat } from "./format.js";
import { fp4 } from "./fp4.js";
import { int2 } from "./int2.js";
import { int3 } from "./int3.js";
import { int4 } from "./int4.js";
import { int5 } from "./int5.js";
import { int6 } from "./int6.js";
import { int8 } from "./int8.js";
import { int16 } from "./int16.js";
import { mxfp4 } from "./mxfp4.js";
import { mxfp6e2m3 } from "./mxfp6e2m3.js";
import { mxfp6e3m2 } from "./mxfp6e3m2.js";
import { mxfp8e4m3 } from "./mxfp8e4m3.js";
import { mxfp8e5m2 } from "./mxfp8e5m2.js";
import { nf4 } from "./nf4.js";
import { nvfp4 } from "./nvfp4.js";
import { ternary } from "./ternary.js";
import { uint2 } from "./uint2.js";
import { uint3 } from "./uint3.js";
import { uint4 } from "./uint4.js";
import { uint5 } from "./uint5.js";
import { uint6 } from "./uint6.js";
import { uint8 } from "./uint8.js";
import { uint16 } from "./uint16.js";

export { isPlain, type NumberFormat, type ScaleFormat } from "./format.js";

/** No quantization of its own, but what sparse storage may hold: not in the list. */
export const UNQUANTIZED = float32;

export const formats = registry<NumberFormat>("number format", [
  float16,
  bfloat16,
  float8e4m3fn,
  float8e4m3fnuz,
  float8e5m2,
  float8e5m2fnuz,
  float6e3m2,
  float6e2m3,
  float4e2m1,
  int16,
  int8,
  int6,
  int5,
  int4,
  int3,
  int2,
  uint16,
  uint8,
  uint6,
  uint5,
  uint4,
  uint3,
  uint2,
  ternary,
  binary,
  nf4,
  fp4,
  mxfp8e4m3,
  mxfp8e5m2,
  mxfp6e3m2,
  mxfp6e2m3,
  mxfp4,
  nvfp4,
  codebook,
]);
