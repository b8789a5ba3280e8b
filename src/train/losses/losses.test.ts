import { expect, test } from "vitest";
import { engineServices } from "../../../tests/support/engine.js";
import { floats, openStep, scalar } from "../../../tests/support/step-session.js";
import type { Sample } from "../../data/dataset.js";
import { graphBuilder } from "../../ir/build.js";
import { float32 } from "../../tensor/tensor.js";
import { prepare } from "../prepare.js";
import type { Prepared } from "../prepared.js";
import { buildStep, type LossChoice } from "../step.js";

type Label = Sample["label"];

/** Outputs y = x w, with x rows of the identity, and z = y scale + 0.3: the gradient of w is that of the loss by y. */
function identity(dims: readonly number[], values: readonly number[], scale: readonly number[]): Promise<Prepared> {
  const build = graphBuilder();
  const x = rows(dims);
  build.input("x", "float32", x.dims);
  build.initializer("w", float32([x.dims.at(-1)!, dims.at(-1)!], values));
  const constant = (name: string, numbers: readonly number[]) => build.initializer(name, float32(dims, numbers));
  const scaled = build.node("Mul", [
    build.node("MatMul", ["x", "w"], { outputs: ["y"] }),
    constant(
      "scale",
      values.map((_, i) => scale[i] ?? 1),
    ),
  ]);
  const shift = values.map(() => 0.3);
  build.node("Add", [scaled, constant("shift", shift)], { outputs: ["z"] });
  build.output("y", "float32", dims);
  build.output("z", "float32", dims);
  return prepare(build.model(), { feeds: { x } }, engineServices());
}

function rows(dims: readonly number[]) {
  const count = dims.slice(0, -1).reduce((all, size) => all * size, 1);
  const values = Array.from({ length: count * count }, (_, i) => (i % (count + 1) === 0 ? 1 : 0));
  return floats([...dims.slice(0, -1), count], values);
}

interface Case {
  readonly loss: LossChoice;
  readonly labels: readonly Label[];
  readonly at?: readonly number[];
  readonly dims?: readonly number[];
}

const logits = [0.5, -1.2, 2, 1.5, 0.3, -0.7, -0.4, 0.9, 0.1, 2.2, -2, 0.6];
const numbers = [
  [1, 0, 0.5],
  [0, 1, 1],
  [0.25, 0, 1],
  [1, 1, 0],
];
const probabilities = [
  [0.2, 0.3, 0.5],
  [1, 0, 0],
  [0.1, 0.8, 0.1],
  [0.25, 0.5, 0.25],
];
const teacher = [
  [1, 2, 3],
  [0, 0.5, -1],
  [2, 2, -3],
  [0.1, 0.2, 0.3],
];
const large = [200, -200, 0, 1, 2, 3, -1, 0, 1, 0, 0, 0];
const classWeights = [0.5, 1.5, 2];
const ce = (more: object = {}): LossChoice => ({ loss: "cross-entropy", ...more });
const soft = (more: object = {}) => ce({ targets: "probabilities", ...more });

const cases: Readonly<Record<string, Case>> = {
  ce: { loss: ce(), labels: [2, 0, 1, 1] },
  "ce smoothing": { loss: ce({ smoothing: 0.1 }), labels: [2, 0, 1, 1] },
  "ce weights": { loss: ce({ classWeights }), labels: [2, 0, 1, 1] },
  "ce weights smoothing": { loss: ce({ classWeights, smoothing: 0.2 }), labels: [2, 0, 1, 1] },
  "ce ignore": { loss: ce(), labels: [2, -100, 1, 1] },
  "ce ignore weights smoothing": {
    loss: ce({ classWeights, smoothing: 0.2, ignoreIndex: 7 }),
    labels: [2, 7, 1, 1],
  },
  "ce soft": { loss: soft(), labels: probabilities },
  "ce soft weights smoothing": { loss: soft({ classWeights, smoothing: 0.1 }), labels: probabilities },
  "ce sequence": {
    loss: ce({ smoothing: 0.1 }),
    labels: [
      [2, -100],
      [1, 0],
    ],
    dims: [2, 2, 3],
  },
  bce: { loss: { loss: "binary-cross-entropy" }, labels: numbers },
  "bce weights": { loss: { loss: "binary-cross-entropy", positiveWeights: classWeights }, labels: numbers },
  "bce large": { loss: { loss: "binary-cross-entropy" }, labels: numbers, at: large },
  mse: { loss: { loss: "mean-squared" }, labels: numbers },
  l1: { loss: { loss: "l1" }, labels: numbers },
  huber: { loss: { loss: "huber", delta: 0.7 }, labels: numbers },
  kl: { loss: { loss: "kl" }, labels: probabilities },
  "kl temperature": { loss: { loss: "kl", targets: "logits", temperature: 3 }, labels: teacher },
  cosine: { loss: { loss: "cosine" }, labels: numbers },
  contrastive: { loss: { loss: "contrastive", temperature: 0.5 }, labels: [0, 1, 0, 2] },
  "contrastive all": { loss: { loss: "contrastive", temperature: 0.5 }, labels: [0, 1, 0, 1] },
  ctc: {
    loss: { loss: "ctc", length: 3 },
    labels: [[1, 1, 3], [2]],
    at: Array.from({ length: 48 }, (_, i) => Math.sin(i * 1.7) * 1.5),
    dims: [2, 6, 4],
  },
  "contrastive pairs": { loss: { loss: "contrastive", temperature: 0.5, other: "z" }, labels: [0, 0, 0, 0] },
};

/** Loss, and its gradient by the prediction: PyTorch 2.15 in float64. */
const torch: Readonly<Record<string, readonly [number, readonly number[]]>> = {
  ce: [
    1.379727,
    [
      0.04413551, 0.008062831, -0.05219835, -0.07294585, 0.05332769, 0.01961816, 0.03956937, -0.1048082, 0.06523886,
      0.2054414, -0.2469193, 0.0414779,
    ],
  ],
  "ce smoothing": [
    1.40806,
    [
      0.03580218, -0.000270502, -0.03553168, -0.05627918, 0.04499435, 0.01128483, 0.03123604, -0.08814157, 0.05690553,
      0.1971081, -0.2302526, 0.03314457,
    ],
  ],
  "ce weights": [
    1.463719,
    [
      0.06419711, 0.01172775, -0.07592487, -0.02652576, 0.01939189, 0.007133876, 0.04316659, -0.1143363, 0.07116967,
      0.2241179, -0.2693665, 0.04524862,
    ],
  ],
  "ce weights smoothing": [
    1.519771,
    [
      0.0538567, -0.007235914, -0.04662078, 0.00705656, 0.00767403, -0.01473059, 0.03614672, -0.08149242, 0.0453457,
      0.2130769, -0.2330775, 0.02000067,
    ],
  ],
  "ce ignore": [
    1.724634,
    [
      0.05884735, 0.01075044, -0.06959779, 0, 0, 0, 0.05275916, -0.1397443, 0.08698515, 0.2739219, -0.3292257,
      0.05530387,
    ],
  ],
  "ce ignore weights smoothing": [
    1.54308,
    [
      0.05924237, -0.007959505, -0.05128286, 0, 0, 0, 0.0397614, -0.08964166, 0.04988027, 0.2343846, -0.2563853,
      0.02200074,
    ],
  ],
  "ce soft": [
    1.322227,
    [
      -0.005864485, -0.06693717, 0.07280165, -0.07294585, 0.05332769, 0.01961816, 0.01456937, -0.05480824, 0.04023886,
      0.1429414, -0.1219193, -0.0210221,
    ],
  ],
  "ce soft weights smoothing": [
    1.895427,
    [
      0.04078711, -0.1014273, 0.06064019, -0.01338508, 0.01860782, -0.00522274, 0.04149728, -0.07366585, 0.03216857,
      0.2493342, -0.1770269, -0.07230738,
    ],
  ],
  "ce sequence": [
    0.4646339,
    [
      0.04773624, -0.0003606693, -0.04737557, 0, 0, 0, 0.04164805, -0.1175221, 0.07587404, -0.03718926, -0.007003495,
      0.04419276,
    ],
  ],
  bce: [
    0.9159423,
    [
      -0.03146172, 0.0192896, 0.03173309, 0.06813121, -0.03546312, -0.05568231, 0.01260936, 0.05924579, -0.03958507,
      -0.008312541, -0.07339976, 0.05380469,
    ],
  ],
  "bce weights": [
    1.144941,
    [
      -0.01573086, 0.0192896, 0.0267663, 0.06813121, -0.05319469, -0.1113646, 0.01884569, 0.05924579, -0.07917014,
      -0.00415627, -0.1100996, 0.05380469,
    ],
  ],
  "bce large": [
    0.4859197,
    [
      0, 0, 0, 0.06092155, -0.009933577, -0.003952156, 0.001578452, 0.04166667, -0.02241179, -0.04166667, -0.04166667,
      0.04166667,
    ],
  ],
  mse: [1.867708, [-0.08333333, -0.2, 0.25, 0.25, -0.1166667, -0.2833333, -0.1083333, 0.15, -0.15, 0.2, -0.5, 0.1]],
  l1: [
    1.195833,
    [
      -0.08333333, -0.08333333, 0.08333333, 0.08333333, -0.08333333, -0.08333333, -0.08333333, 0.08333333, -0.08333333,
      0.08333333, -0.08333333, 0.08333333,
    ],
  ],
  huber: [
    0.5942708,
    [
      -0.04166667, -0.05833333, 0.05833333, 0.05833333, -0.05833333, -0.05833333, -0.05416667, 0.05833333, -0.05833333,
      0.05833333, -0.05833333, 0.05,
    ],
  ],
  kl: [
    0.6451254,
    [
      -0.005864485, -0.06693717, 0.07280165, -0.07294585, 0.05332769, 0.01961816, 0.01456937, -0.05480824, 0.04023886,
      0.1429414, -0.1219193, -0.0210221,
    ],
  ],
  "kl temperature": [
    0.9639066,
    [
      0.06052126, -0.108671, 0.04814978, 0.08992693, -0.07198194, -0.017945, -0.1412318, -0.03198911, 0.173221,
      0.1673965, -0.1490219, -0.01837464,
    ],
  ],
  cosine: [
    0.8897656,
    [
      -0.08138485, -0.0296544, 0.002553573, -0.02227905, -0.1095386, -0.09468595, -0.06124949, 0, -0.244998,
      -0.05549417, -0.06081553, 0.0007601941,
    ],
  ],
  contrastive: [
    1.774025,
    [
      0.4490401, -0.5560255, -0.4458754, -0.02510152, 0.2579619, 0.05676612, 0.4314035, 0.3665742, -1.573553,
      -0.05664425, -0.003239728, 0.1968965,
    ],
  ],
  "contrastive all": [
    1.224573,
    [
      0.3291906, -0.3168933, -0.2724336, -0.09258683, 0.361763, -0.04335908, 0.2886279, 0.218962, -0.8161465,
      -0.1408061, -0.08092747, 0.2465309,
    ],
  ],
  ctc: [
    2.544741,
    [
      0.01504205, -0.03945069, 0.01787008, 0.006538563, -0.05247322, 0.03228739, 0.009474958, 0.01071087, 0.01409824,
      -0.040758, 0.006083312, 0.02057644, 0.02679532, -0.05505477, 0.005331742, 0.02292771, 0.02154481, -0.01575521,
      0.007277813, -0.01306741, 0.01698256, 0.005681317, 0.01429165, -0.03695553, -0.1611216, 0.01657979, -0.1582234,
      0.3027652, 0.001218638, 0.02357901, -0.2392873, 0.2144896, 0.01994612, 0.041481, -0.1670163, 0.1055892,
      0.01715066, 0.08786602, -0.15405, 0.04903331, 0.01276698, 0.1913526, -0.2313828, 0.02726314, -0.07537255,
      0.3113719, -0.2548419, 0.01884252,
    ],
  ],
  "contrastive pairs": [
    0.7839957,
    [
      0.09913749, -0.03120932, -0.0608184, 0.09015708, 0.1124666, 0.2573688, 0.1225586, 0.02292109, -0.05698149,
      0.02985334, 0.05355074, 0.04640768,
    ],
  ],
};

test.each(Object.keys(cases))("%s: loss and gradient are PyTorch's", async (name) => {
  const { loss, labels, at = logits, dims = [4, 3] } = cases[name]!;
  const prepared = await identity(dims, at, numbers.flat());
  const step = buildStep(prepared, { losses: [loss], optimizer: { name: "sgd", momentum: 0 }, train: ["w"] });
  const session = await openStep(step);
  const results = await session.run({ feeds: { x: rows(dims) }, labels, lr: 1 });
  await session.release();
  const [expected, gradient] = torch[name]!;
  expect(scalar(results.loss)).toBeCloseTo(expected, 5);
  const after = session.weights().w!;
  // The step is subtracted from a float32: of 200 it leaves 1e-5.
  for (const [i, value] of gradient.entries())
    expect(Math.fround(at[i]!) - after[i]!, `element ${i}`).toBeCloseTo(value, 5);
});
