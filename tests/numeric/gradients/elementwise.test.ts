// Runs the gradient cases of cases/elementwise.ts.

import { runGradientCases } from "../../support/gradients.js";
import { cases } from "./cases/elementwise.js";

runGradientCases(cases);
