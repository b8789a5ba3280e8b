// Runs the gradient cases of cases/pooling.ts.

import { runGradientCases } from "../../support/gradients.js";
import { cases } from "./cases/pooling.js";

runGradientCases(cases);
