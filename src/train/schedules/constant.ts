// The same learning rate all the time.

import { z } from "zod";
import { defineSchedule } from "./schedule.js";

export const constant = defineSchedule({
  name: "constant",
  summary: "The same learning rate all the time",
  options: z.object({}),
  factor: () => 1,
});
