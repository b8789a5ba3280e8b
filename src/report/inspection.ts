// An inspection as text for the terminal.

import pc from "picocolors";
import type { Inspection, NodeSummary } from "../metrics/inspection.js";
import { printEstimate } from "./estimate.js";
import { bytes, count, percent, plain } from "./format.js";
import { grid } from "./grid.js";
import { printGroups } from "./groups.js";

export function printInspection(found: Inspection, options: { readonly nodes?: boolean } = {}): string {
  const parts = [
    about(found),
    ports("Inputs", found.inputs),
    ports("Outputs", found.outputs),
    operators(found),
    grid(
      "Weights by type",
      ["type", "tensors", "elements", "bytes"],
      found.dtypes.map((row) => [row.dtype, String(row.tensors), count(row.elements), bytes(row.bytes)]),
    ),
    grid(
      "Largest weights",
      ["name", "type", "shape", "bytes", "share"],
      found.largest
        .slice(0, 10)
        .map((weight) => [
          place(weight),
          weight.dtype,
          shape(weight.dims),
          bytes(weight.bytes),
          percent(weight.bytes / Math.max(1, found.counts.weightBytes)),
        ]),
    ),
    grid(
      "Shared weights",
      ["name", "bytes", "used by"],
      found.shared.map((weight) => [place(weight), bytes(weight.bytes), listed(weight.users)]),
    ),
    found.equal === null
      ? ""
      : grid(
          "Equal weights",
          ["names", "bytes each", "stored for nothing"],
          found.equal.map((group) => [listed(group.names), bytes(group.bytes), bytes(group.wasted)]),
        ),
    options.nodes ? nodeTable(found) : possibilities(found),
    found.groups === null ? "" : printGroups(found.groups),
    found.estimate === null ? "" : printEstimate(found.estimate),
    found.notes
      .map(
        (note) =>
          `${note.level === "warning" ? pc.yellow("!") : pc.dim("-")} ${note.node ? `${pc.bold(plain(note.node))}: ` : ""}${plain(note.text, 600)}`,
      )
      .join("\n"),
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

function about(found: Inspection): string {
  const { counts } = found;
  const opsets = Object.entries(found.opsets).map(([domain, version]) => `${plain(domain)} ${version}`);
  const producer = [found.producer.name, found.producer.version]
    .filter((text) => text !== "")
    .map((text) => plain(text));
  const lines = [
    `${pc.bold(plain(found.path))}  ${bytes(found.bytes)}`,
    `${count(counts.parameters)} parameters in ${counts.constants} constants (${bytes(counts.weightBytes)}), ${counts.nodes} nodes${
      counts.subgraphs > 0 ? `, ${counts.subgraphs} subgraphs` : ""
    }${counts.functions > 0 ? `, ${counts.functions} functions` : ""}`,
    `opset ${opsets.join(", ")}; IR version ${found.irVersion}${producer.length > 0 ? `; made by ${producer.join(" ")}` : ""}`,
  ];
  if (found.macs !== null) lines.push(`${count(found.macs)} multiply-accumulates a run`);
  if (found.peakActivationBytes !== null) lines.push(`${bytes(found.peakActivationBytes)} of activations at the peak`);
  if (found.observed !== null) {
    const shapes = Object.entries(found.observed).map(([name, dims]) => `${plain(name)} ${shape(dims)}`);
    lines.push(pc.dim(`observed at ${shapes.join(", ")}`));
  }
  return lines.join("\n");
}

const ports = (title: string, list: Inspection["inputs"]): string =>
  grid(
    title,
    ["name", "type", "shape"],
    list.map((port) => [plain(port.name, 60), plain(port.type), port.shape === null ? "?" : shape(port.shape)]),
  );

function operators(found: Inspection): string {
  const total = Math.max(1, found.counts.weightBytes);
  const withMacs = found.macs !== null && found.macs > 0;
  return grid(
    "Operators",
    ["operator", "count", "weights", "share", ...(withMacs ? ["MACs", "share"] : [])],
    found.operators.map((row) => [
      plain(row.op, 60),
      String(row.count),
      row.weightBytes === 0 ? "–" : bytes(row.weightBytes),
      row.weightBytes === 0 ? "–" : percent(row.weightBytes / total),
      ...(withMacs
        ? row.macs === null || row.macs === 0
          ? ["–", "–"]
          : [count(row.macs), percent(row.macs / found.macs!)]
        : []),
    ]),
  );
}

/** How many bytes of weights each form reaches, and why the rest stays as it is. */
function possibilities(found: Inspection): string {
  const heavy = found.nodes.filter((node) => node.weightBytes > 0);
  const forms = new Map<string, { nodes: number; bytes: number }>();
  const refusals = new Map<string, { nodes: number; bytes: number }>();
  for (const node of heavy) {
    const add = (to: typeof forms, key: string) => {
      const known = to.get(key) ?? { nodes: 0, bytes: 0 };
      to.set(key, { nodes: known.nodes + 1, bytes: known.bytes + node.weightBytes });
    };
    for (const form of node.can) add(forms, form);
    if (node.can.length === 0) add(refusals, node.why ?? "not known");
  }
  const rows = (map: typeof forms) =>
    [...map].map(([key, value]) => [
      plain(key, 100),
      String(value.nodes),
      bytes(value.bytes),
      percent(value.bytes / Math.max(1, found.counts.weightBytes)),
    ]);
  const can = grid(
    `What pare can do (target ${plain(found.target)})`,
    ["form", "nodes", "weights", "share"],
    rows(forms),
  );
  const cannot = grid("What stays as it is", ["why", "nodes", "weights", "share"], rows(refusals));
  return [can, cannot].filter((part) => part !== "").join("\n\n");
}

function nodeTable(found: Inspection): string {
  return grid(
    `Nodes (target ${plain(found.target)})`,
    ["node", "operator", "output", "weights", "MACs", "pare can"],
    found.nodes.map((node) => [
      plain(node.scope === "" ? node.name : `${node.scope}/${node.name}`, 48),
      plain(node.op, 32),
      node.shape === null ? "" : shape(node.shape),
      node.weightBytes === 0 ? "" : bytes(node.weightBytes),
      node.macs === null || node.macs === 0 ? "" : count(node.macs),
      outlook(node),
    ]),
  );
}

const outlook = ({ can, why }: NodeSummary): string =>
  can.length > 0 ? can.map((form) => plain(form)).join(", ") : why === undefined ? "" : pc.dim(plain(why, 80));

const shape = (dims: readonly (number | string | null)[]): string =>
  `[${dims.map((dim) => (dim === null ? "?" : typeof dim === "string" ? plain(dim, 30) : String(dim))).join(", ")}]`;

const place = ({ scope, name }: { readonly scope: string; readonly name: string }): string =>
  plain(scope === "" ? name : `${scope}/${name}`, 56);

const SHOWN = 4;

function listed(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN).map((name) => plain(name, 40));
  return names.length > SHOWN ? `${shown.join(", ")} and ${names.length - SHOWN} more` : shown.join(", ");
}
