// What others have published of the same networks, as their papers and pages state it. Data, trainings and baselines differ.

interface Published {
  readonly source: string;
  readonly what: string;
  readonly removed: string;
  readonly before: string;
  readonly after: string;
}

export const PUBLISHED: readonly Published[] = [
  {
    source: "Han et al., Learning both Weights and Connections (2015), table 1",
    what: "LeNet-5 (431,000 weights), MNIST, error",
    removed: "92% of the weights",
    before: "0.80",
    after: "0.77",
  },
  {
    source: "Li et al., Pruning Filters for Efficient ConvNets (2017), table 1",
    what: "ResNet-56, CIFAR-10, accuracy",
    removed: "27.6% of the FLOPs (filters)",
    before: "93.04",
    after: "93.06",
  },
  {
    source: "He et al., AMC (2018), as collected by ShrinkBench",
    what: "ResNet-56, CIFAR-10, accuracy",
    removed: "50% of the FLOPs (channels)",
    before: "92.8",
    after: "91.9",
  },
  {
    source: "Torch-Pruning's benchmark page, Group-L1",
    what: "ResNet-56, CIFAR-10, accuracy",
    removed: "53% of the FLOPs (channels)",
    before: "93.53",
    after: "92.93",
  },
];
