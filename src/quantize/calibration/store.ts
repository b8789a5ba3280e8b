// Calibrations kept in memory, for a search that quantizes one float model in many ways.

import type { CalibrationStore } from "../../step/step.js";

export function memoryCalibrations(): CalibrationStore {
  const kept = new Map<string, unknown>();
  return {
    read: async (identity) => kept.get(identity),
    async write(json, identity) {
      kept.set(identity, json);
    },
  };
}
