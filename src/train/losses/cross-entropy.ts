// Cross-entropy of classes against logits, as torch.nn.CrossEntropyLoss has it with reduction "mean".

import { z } from "zod";
import { invalid } from "../../base/errors.js";
import { tensor } from "../../tensor/tensor.js";
import type { Emitter } from "../emitter.js";
import { defineLoss, inner, type LossFit, perSample } from "./loss.js";
import { classTarget, probabilityTarget } from "./targets.js";

const options = z.object({
  targets: z
    .enum(["classes", "probabilities"])
    .default("classes")
    .describe("What labels are: class indices, or a probability for every class"),
  smoothing: z.number().min(0).lt(1).default(0).describe("Share of each target that is spread over all classes"),
  classWeights: z.array(z.number().nonnegative()).optional().describe("A weight for each class, in their order"),
  ignoreIndex: z.int().default(-100).describe("The class index of positions that do not count"),
});

type Options = z.output<typeof options>;

export const crossEntropy = defineLoss({
  name: "cross-entropy",
  summary: "Cross-entropy of the softmax of logits with classes: [batch, classes], [batch, positions, classes], images",
  reference: "https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html",
  options,
  reads: "logits",
  heads: ["none", "softmax", "log-softmax"],
  target(fit) {
    const { dims } = fit.prediction;
    const classes = classesOf(fit);
    if (fit.options.targets === "probabilities") return probabilityTarget(dims, fit.axis);
    return classTarget(
      dims.filter((_, axis) => axis !== fit.axis),
      classes,
      fit.options.ignoreIndex,
    );
  },
  write(site) {
    const { emit, value, axis, options } = site;
    const dims = emit.dims(value);
    const logs = emit.op("LogSoftmax", [value], { attributes: { axis } });
    const { wanted, mass, counts } = options.targets === "classes" ? ofClasses(site) : ofProbabilities(site);
    return {
      sums: emit.neg(emit.reduceSum(emit.mul(wanted, logs), inner(dims), false)),
      ...(counts === undefined ? {} : { counts }),
      // With w the wanted masses: d/dz sum(-w log softmax(z)) = softmax(z) sum(w) - w.
      gradient(share) {
        const shares = perSample(emit, share, dims.length);
        const soft = emit.exp(logs);
        return emit.mul(emit.sub(mass === undefined ? soft : emit.mul(soft, mass), wanted), shares);
      },
    };
  },
});

interface Wanted {
  /** What each logarithm is multiplied with: the target, times the weights of its classes. */
  readonly wanted: string;
  /** Its sum over the classes, kept as an axis of 1; undefined: 1 everywhere. */
  readonly mass?: string | undefined;
  readonly counts?: string | undefined;
}

interface Site extends LossFit<Options> {
  readonly emit: Emitter;
  readonly value: string;
  readonly target: string;
}

function ofClasses({ emit, value, target, axis, options }: Site): Wanted {
  const dims = emit.dims(value);
  const along = dims.map((size, i) => (i === axis ? 1 : size));
  const index = emit.reshape(target, along);
  const classes = along.map((_, i) => (i === axis ? dims[axis]! : 1));
  const hot = emit.cast(emit.equal(index, emit.store("classes", int32Range(classes, dims[axis]!))), "float32");
  const valid = emit.reduceSum(hot, [axis]);
  const weights = classWeights(emit, options, classes);
  // Each position counts as much as its class weighs, as PyTorch's mean has it; an index that is ignored is no class.
  const own = weights === undefined ? valid : emit.reduceSum(emit.mul(hot, weights), [axis]);
  const counts = emit.reduceSum(own, inner(dims), false);
  if (options.smoothing === 0) {
    return weights === undefined
      ? { wanted: hot, mass: valid, counts }
      : { wanted: emit.mul(hot, weights), mass: own, counts };
  }
  const smooth = emit.mul(smoothed(emit, hot, options.smoothing, dims[axis]!), valid);
  const wanted = weights === undefined ? smooth : emit.mul(smooth, weights);
  return { wanted, mass: emit.reduceSum(wanted, [axis]), counts };
}

function ofProbabilities({ emit, value, target, axis, options }: Site): Wanted {
  const dims = emit.dims(value);
  const weights = classWeights(
    emit,
    options,
    dims.map((size, i) => (i === axis ? size : 1)),
  );
  const smooth = options.smoothing === 0 ? target : smoothed(emit, target, options.smoothing, dims[axis]!);
  const wanted = weights === undefined ? smooth : emit.mul(smooth, weights);
  const positions = dims.reduce((all, size, i) => (i === 0 || i === axis ? all : all * size), 1);
  return {
    wanted,
    mass: emit.reduceSum(wanted, [axis]),
    counts: positions === 1 ? undefined : emit.floats([dims[0]!], new Array(dims[0]!).fill(positions)),
  };
}

const smoothed = (emit: Emitter, target: string, share: number, classes: number) =>
  emit.shift(emit.scale(target, 1 - share), share / classes);

const classWeights = (emit: Emitter, { classWeights }: Options, dims: readonly number[]) =>
  classWeights === undefined ? undefined : emit.floats(dims, classWeights);

const int32Range = (dims: readonly number[], size: number) =>
  tensor(
    "int32",
    dims,
    Int32Array.from({ length: size }, (_, i) => i),
  );

function classesOf({ prediction, axis, output, options }: LossFit<Options>): number {
  const classes = prediction.dims[axis];
  if (prediction.dims.length < 2 || classes === undefined || classes < 2) {
    throw invalid("loss-output", "Cross-entropy needs an output with two classes or more.", {
      node: output,
      expected: "[batch, classes] or [batch, positions, classes]",
      found: `[${prediction.dims}]`,
      hint: "Take binary-cross-entropy for one yes or no, mean-squared for a number.",
    });
  }
  const stated = options.classWeights?.length;
  if (stated !== undefined && stated !== classes) {
    throw invalid("loss-output", "There are not as many class weights as the output has classes.", {
      node: output,
      expected: String(classes),
      found: String(stated),
    });
  }
  return classes;
}
