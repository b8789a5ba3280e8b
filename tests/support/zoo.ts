// Generated models of kinds that the portfolio lacks, each with one batch it runs on. Same seed, same bytes.

import type { ZooModel } from "./zoo/parts.js";
import { behind, functions, gemms, newest, shared } from "./zoo/plain.js";
import { decoder, gru, halfPrecision, loop, lstm, tabular, tied } from "./zoo/sequence.js";
import { branches, constants, mobile, oldCnn, segmenter } from "./zoo/vision.js";

export type { ZooModel } from "./zoo/parts.js";

const MAKERS = [
  oldCnn,
  constants,
  mobile,
  segmenter,
  tabular,
  gru,
  behind,
  halfPrecision,
  branches,
  lstm,
  loop,
  tied,
  functions,
  shared,
  decoder,
  gemms,
  newest,
];

/** All models of the zoo, oldest opset first. */
export const zoo = (): ZooModel[] => MAKERS.map((make) => make());
