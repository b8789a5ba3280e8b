// The devices that an estimate can be made for, by name.

import { registry } from "../base/registry.js";
import { a100 } from "./a100.js";
import { appleM1 } from "./apple-m1.js";
import { appleM4 } from "./apple-m4.js";
import { cortexM4f } from "./cortex-m4f.js";
import { cortexM7 } from "./cortex-m7.js";
import { cortexM55 } from "./cortex-m55.js";
import type { Device } from "./device.js";
import { h100 } from "./h100.js";
import { rtx4090 } from "./rtx-4090.js";
import { snapdragon8Gen3 } from "./snapdragon-8-gen-3.js";

export type { Device } from "./device.js";

export const hardware = registry<Device>("hardware", [
  a100,
  h100,
  rtx4090,
  appleM1,
  appleM4,
  snapdragon8Gen3,
  cortexM4f,
  cortexM7,
  cortexM55,
]);
