// Runs the gradient cases of cases/recurrent.ts.

import { runGradientCases } from "../../support/gradients.js";
import { cases } from "./cases/recurrent.js";

runGradientCases(cases);
