// The metrics, in the order in which they are measured: what needs the machine quiet comes before what fills its memory.

import { registry } from "../base/registry.js";

import { fidelity } from "./fidelity.js";
import { accuracy } from "./labelled.js";
import { latency } from "./latency.js";
import { macs } from "./macs.js";
import type { Metric } from "./metric.js";
import { nonZero } from "./non-zero.js";
import { parameters } from "./parameters.js";
import { loadTime, memory } from "./serving.js";
import { size } from "./size.js";
import { transfer } from "./transfer.js";

export type { Metric } from "./metric.js";

export const metrics = registry<Metric>("metric", [
  size,
  transfer,
  parameters,
  nonZero,
  macs,
  loadTime,
  memory,
  latency,
  fidelity,
  accuracy,
]);
