// The residual blocks of a graph: additions y = x + f where f is made from x, so that y may be x itself. Nothing is read
// and nothing runs: the shapes were observed.

import { type Graph, label, type Node } from "../../ir/model.js";
import { Flow } from "./flow.js";

/** A residual block: without it, whoever uses `result` uses `kept`. */
export interface Block {
  /** Of its addition, or of the first of them where several blocks make one layer. */
  readonly name: string;
  readonly additions: readonly [Addition, ...Addition[]];
  /** What only the block needs: these nodes are dead once it is gone, in graph order. */
  readonly nodes: readonly Node[];
  /** A normalisation reads its result at once: it stays, and is then a normalisation of what came in. */
  readonly postNorm: Node | undefined;
}

export interface Addition {
  readonly node: Node;
  /** What stays, what is added to it, and their sum. */
  readonly kept: string;
  readonly branch: string;
  readonly result: string;
}

export interface Kept {
  readonly node: Node;
  /** Ends the sentence "kept because ...". */
  readonly reason: string;
}

type Shapes = ReadonlyMap<string, { readonly dims: readonly number[] }>;

export interface Blocks {
  readonly blocks: readonly Block[];
  readonly kept: readonly Kept[];
}

/**
 * Blocks in graph order, innermost ones only, and additions that look like one and are none, with the reason.
 * `shapes` are observed dimensions by value.
 */
export function findBlocks(graph: Graph, shapes: Shapes): Blocks {
  const flow = new Flow(graph);
  const blocks: Block[] = [];
  const kept: Kept[] = [];
  for (const node of graph.nodes) {
    if (FUSED.has(node.opType)) kept.push({ node, reason: "its sum and a normalisation are fused into one operator" });
    const sides = sumOf(node).filter((name) => flow.computed(name));
    if (sides.length !== 2 || node.inputs.length !== 2) continue;
    const found = blockAt(node, sides as [string, string], flow, shapes, blocks);
    if (found === undefined) continue;
    if ("reason" in found) kept.push(found);
    else blocks.push(found);
  }
  const innermost = blocks.filter((block) => {
    const own = new Set(block.nodes);
    const inner = blocks.find((other) => other !== block && other.additions.every(({ node }) => own.has(node)));
    if (inner !== undefined) kept.push({ node: block.additions[0].node, reason: `it holds the block "${inner.name}"` });
    return inner === undefined;
  });
  return { blocks: innermost, kept };
}

/** What runtimes make of a sum and the norm behind it: models are better cut before that. */
const FUSED = new Set(["SkipLayerNormalization", "SkipSimplifiedLayerNormalization", "SkipGroupNorm"]);

const sumOf = (node: Node): readonly string[] =>
  node.domain === "" && (node.opType === "Add" || node.opType === "Sum") ? node.inputs : [];

function blockAt(
  node: Node,
  sides: [string, string],
  flow: Flow,
  shapes: Shapes,
  before: readonly Block[],
): Block | Kept | undefined {
  const result = node.outputs[0]!;
  const fits = (name: string) => shapes.get(name)?.dims.join() === shapes.get(result)?.dims.join();
  let reason: string | undefined;
  for (const [kept, branch] of [sides, [sides[1], sides[0]] as const]) {
    const nodes = flow.onlyFor(branch, node);
    const layers = nodes.filter((one) => flow.hasWeights(one));
    const needed = flow.needed(branch);
    const start = passedOn(kept, flow).find((name) => name !== branch && needed.has(name));
    if (start === undefined) continue;
    const own = new Set(nodes);
    const between = new Set([...flow.made(start, needed)].flatMap((name) => flow.maker(name) ?? []));
    const shared = [...between].find((one) => flow.hasWeights(one) && !own.has(one));
    // A mask or a bias of positions that went into an earlier block too: the branch does not begin there.
    const passes = ({ additions: [{ node: sum }] }: Block) => between.has(sum) && !own.has(sum);
    if (shared !== undefined && before.some(passes)) return undefined;
    // Parts of activation functions are such sums too: without layers they are no blocks.
    if (layers.length === 0 && shared === undefined) continue;
    if (!shapes.has(result) || !shapes.has(kept)) reason = "its shapes could not be observed";
    else if (!fits(kept)) reason = "the sum has another shape than what comes in";
    else if (shared !== undefined) reason = `what "${label(shared)}" makes inside it is used elsewhere too`;
    else {
      const additions = [{ node, kept, branch, result }] as const;
      return { name: label(node), additions, nodes: [...nodes, node], postNorm: flow.normOf(result) };
    }
  }
  if (reason === undefined && joinsPaths(node, sides, flow)) {
    reason = "both of its sides are computed: its shortcut changes the shape or has layers of its own";
  }
  return reason === undefined ? undefined : { node, reason };
}

/** A value, and where it is a sum itself what went into that: blocks side by side add to one sum in turn. */
function passedOn(name: string, flow: Flow): string[] {
  const found = [name];
  for (let at = 0; at < found.length && found.length < 8; at++) {
    const maker = flow.maker(found[at]!);
    // A sum that others use too is the end of a block, not the middle of one.
    if (maker === undefined || (at === 0 && flow.users(name) > 1)) continue;
    found.push(...sumOf(maker).filter((side) => flow.computed(side)));
  }
  return found;
}

/** Whether two paths that part at one value meet here, with layers on one of them: a residual block with a projection. */
function joinsPaths(node: Node, [a, b]: [string, string], flow: Flow): boolean {
  const layers = [a, b].some((side) => flow.onlyFor(side, node).some((one) => flow.hasWeights(one)));
  if (!layers) return false;
  const other = flow.needed(b);
  return [...flow.needed(a)].some((name) => flow.hasNumbers(name) && other.has(name));
}
