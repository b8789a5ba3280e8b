// How the scores that a unit has in each weight of its group become one.

import { type Method, registry } from "../../base/registry.js";

interface Reduction extends Method {
  /** `members`: of each weight of the group, in graph order, one number a unit; at least one. */
  apply(members: readonly Float64Array[]): Float64Array;
}

const folded = (members: readonly Float64Array[], join: (a: number, b: number) => number) =>
  members.slice(1).reduce((all, member) => all.map((score, unit) => join(score, member[unit]!)), members[0]!.slice());

const method = (name: string, summary: string, apply: Reduction["apply"]): Reduction => ({ name, summary, apply });

export const reductions = registry<Reduction>("group reduction", [
  method("sum", "The sum over the weights of the group", (members) => folded(members, (a, b) => a + b)),
  method("mean", "The mean over the weights of the group", (members) =>
    folded(members, (a, b) => a + b).map((sum) => sum / members.length),
  ),
  method("max", "The largest of the weights of the group", (members) => folded(members, Math.max)),
  method("first", "That of the weight that makes the channels", (members) => members[0]!.slice()),
  method("l2", "The root of the sum of squares over the weights of the group", (members) =>
    folded(
      members.map((member) => member.map((score) => score * score)),
      (a, b) => a + b,
    ).map(Math.sqrt),
  ),
  method("product", "The product over the weights of the group", (members) => folded(members, (a, b) => a * b)),
]);
