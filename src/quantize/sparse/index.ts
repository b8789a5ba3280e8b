// Sparse storage, as the schemes see it.

export { type Occupancy, occupancyOf } from "./non-zeros.js";
export { planSparse } from "./plan.js";
