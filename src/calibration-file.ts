// Calibrations in a file: read where it is there, written whole or not at all where it is not.

import { calibrationText, parseCalibration } from "./quantize/calibration/file.js";
import type { CalibrationStore } from "./step/step.js";
import { readWhole, writeWhole } from "./whole-file.js";

/** One file for one model. What it holds is checked by who asks for it. */
export function calibrationFile(path: string): CalibrationStore {
  return {
    async read() {
      const bytes = await readWhole(path);
      return bytes && parseCalibration(new TextDecoder().decode(bytes), path);
    },
    write: (json) => writeWhole(path, calibrationText(json)),
  };
}
