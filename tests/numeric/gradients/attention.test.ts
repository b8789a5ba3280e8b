// Runs the gradient cases of cases/attention.ts.

import { runGradientCases } from "../../support/gradients.js";
import { cases } from "./cases/attention.js";

runGradientCases(cases);
