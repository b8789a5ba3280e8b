// Groups of coupled channels as text for the terminal.

import pc from "picocolors";
import type { GroupSummary } from "../metrics/inspection.js";
import { count, plain } from "./format.js";
import { grid } from "./grid.js";

/** Spans of a group that are named; `--json` has all. */
const SHOWN = 4;

export function printGroups(groups: readonly GroupSummary[]): string {
  const free = groups.filter(({ removable }) => removable);
  const kept = groups.filter(({ removable }) => !removable);
  const units = free.reduce((all, group) => all + group.units, 0);
  const removable = grid(
    `Channels that can be removed: ${count(units)} in ${free.length} groups`,
    ["group", "kind", "units", "weights each", "goes along"],
    free.map((group) => [
      plain(group.name, 48),
      group.kind,
      String(group.units),
      count(group.parameters),
      spans(group, ({ weight }) => weight !== group.name),
    ]),
  );
  const whole = grid(
    "Channels that stay",
    ["group", "kind", "units", "why", "where"],
    kept.map((group) => [
      plain(group.name, 48),
      group.kind,
      String(group.units),
      plain(group.why ?? "", 100),
      plain(group.node ?? "", 48),
    ]),
  );
  if (groups.length === 0) return pc.dim("No node of the main graph makes channels from weights.");
  return [removable, whole].filter((part) => part !== "").join("\n\n");
}

/** Weights with the axis: "conv1.weight[0]"; "x9" where a unit has several positions. */
function spans(group: GroupSummary, wanted: (span: GroupSummary["spans"][number]) => boolean): string {
  const list = group.spans.filter(wanted);
  const shown = list
    .slice(0, SHOWN)
    .map(({ weight, axis, perUnit }) => `${plain(weight, 32)}[${axis}]${perUnit > 1 ? ` x${perUnit}` : ""}`);
  return list.length > SHOWN ? `${shown.join(", ")} and ${list.length - SHOWN} more` : shown.join(", ");
}
