// File size: the model file with its external data, as found on the disk.

import { defineMetric } from "./metric.js";

export const size = defineMetric({
  name: "size",
  summary: "bytes of the file with its external data",
  unit: "bytes",
  better: "lower",
  needs: "files",
  value: (row) => row.bytes,
  measure: async (subjects) => subjects.map(({ bytes }) => ({ bytes })),
});
