// The lines of the chart of a training, and the colour of each.

export const LINES = [
  { key: "loss", title: "training loss", fill: "var(--m1)" },
  { key: "heldOutLoss", title: "held-out loss", fill: "var(--m2)" },
  { key: "metric", title: "metric", fill: "var(--m3)" },
] as const;
