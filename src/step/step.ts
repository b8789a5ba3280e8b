// What a step of a recipe is: a pure function from a model to a model and notes, with the services it may ask for.

import type { z } from "zod";
import type { Context } from "../base/context.js";
import type { Note } from "../base/note.js";
import type { Method } from "../base/registry.js";
import type { Dataset } from "../data/dataset.js";
import type { OpenResident } from "../engine/resident.js";
import type { Runtime, TemporaryFolder } from "../engine/runtime.js";
import type { Model } from "../ir/model.js";
import type { KernelPool } from "../kernels/pool.js";
import type { Target } from "../targets/target.js";

export interface StepContext extends Context {
  readonly target: Target;
  /** The engine, made at first use. */
  runtime(): Promise<Runtime>;
  /** Sessions that keep weights and state where the engine is, for training. */
  readonly resident: OpenResident;
  /** Milliseconds, monotonic. For progress only, never for results. */
  now(): number;
  /** The workers that run kernels, made at first use. */
  kernels(): Promise<KernelPool>;
  temporary(): Promise<TemporaryFolder>;
  /** What to observe and calibrate on; synthetic when the user gave none. */
  readonly data: Dataset;
  /** Sizes of symbolic dimensions, and shapes of inputs by name, that the user stated. */
  readonly dims: Readonly<Record<string, number | readonly number[]>>;
  /** Where ranges of activations are kept from one run to the next, when the user said so. */
  readonly calibration?: CalibrationStore | undefined;
  /** The model as the recipe was given it, before its first step: what a teacher is by default. */
  readonly original?: Model | undefined;
  /** Another model that a step names: a path or URL. Throws what `load` throws. */
  load?(path: string): Promise<Model>;
}

/** Holds calibrations as JSON. `identity` names model, method and data: a store of one file need not look at it. */
export interface CalibrationStore {
  /** What was written, or what the user made of it; undefined where there is nothing yet. */
  read(identity: string): Promise<unknown>;
  write(json: unknown, identity: string): Promise<void>;
}

export interface StepResult {
  readonly model: Model;
  readonly notes: readonly Note[];
  /** Of a step that rounds: the model that it rounded, once repaired. Values keep their names, so the two can be compared. */
  readonly float?: Model;
}

/** A recipe step by name: `options` is a closed zod object; the recipe's type, flags and help follow from it. */
export interface Step<Name extends string = string, Options extends z.ZodObject = z.ZodObject> extends Method {
  readonly name: Name;
  readonly options: Options;
  /** `options` have been parsed: defaults are filled in. */
  apply(model: Model, options: z.output<Options>, context: StepContext): Promise<StepResult>;
}

/** Keeps the name and the options' type, so that a wrong step in a recipe does not compile. */
export const defineStep = <const Name extends string, Options extends z.ZodObject>(
  step: Step<Name, Options>,
): Step<Name, Options> => Object.freeze(step);
