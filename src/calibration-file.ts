// Calibrations in a file: read where it is there, written whole or not at all where it is not.

import { platform } from "#platform";
import { calibrationText, parseCalibration } from "./quantize/calibration/file.js";
import type { CalibrationStore } from "./step/step.js";

/** One file for one model. What it holds is checked by who asks for it. */
export function calibrationFile(path: string): CalibrationStore {
  return {
    async read() {
      if ((await platform.realPath(path)) === undefined) return undefined;
      const { source } = await platform.open(path);
      try {
        return parseCalibration(new TextDecoder().decode(await source.read(0, source.size)), path);
      } finally {
        await source.close?.();
      }
    },
    async write(json) {
      const sink = await platform.create(path);
      try {
        await sink.write(new TextEncoder().encode(calibrationText(json)));
        await sink.finish();
        await sink.commit();
      } catch (error) {
        await sink.abort();
        throw error;
      }
    },
  };
}
