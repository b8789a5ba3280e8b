// Reads what the docs checks need of a Markdown file: headings, links, fenced blocks and the remark before each block.

export interface Snippet {
  readonly language: string;
  readonly text: string;
  /** Line of the opening fence, from 1. */
  readonly line: number;
  /** `<!-- not run: why -->` before the fence. */
  readonly notRun: string | undefined;
  /** `<!-- file: recipe.json -->` before the fence: later snippets of the page find it under this name. */
  readonly file: string | undefined;
  /** `<!-- fails: 3 -->` before the fence: the exit code that the last command is to have. */
  readonly fails: number;
}

export interface Page {
  readonly anchors: ReadonlySet<string>;
  readonly links: readonly { readonly target: string; readonly line: number }[];
  readonly snippets: readonly Snippet[];
}

export function parsePage(text: string): Page {
  const anchors = new Set<string>();
  const links: { target: string; line: number }[] = [];
  const snippets: Snippet[] = [];
  const used = new Map<string, number>();
  const lines = text.split("\n");
  let remark = "";
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!;
    const fence = /^(\s*)(```+|~~~+)\s*([\w-]*)/.exec(line);
    if (fence) {
      const body: string[] = [];
      const start = at;
      while (++at < lines.length && !lines[at]!.trim().startsWith(fence[2]!)) body.push(lines[at]!);
      if (at === lines.length) throw new Error(`the block that opens at line ${start + 1} is not closed`);
      snippets.push({ language: fence[3]!, text: `${body.join("\n")}\n`, line: start + 1, ...marks(remark) });
      remark = "";
      continue;
    }
    const comment = /^\s*<!--(.*)-->\s*$/.exec(line);
    if (comment) remark += `${comment[1]}\n`;
    else if (line.trim() !== "") remark = "";
    const heading = /^#{1,6}\s+(.*?)\s*#*$/.exec(line);
    if (heading) {
      const slug = slugOf(heading[1]!);
      const before = used.get(slug) ?? 0;
      used.set(slug, before + 1);
      anchors.add(before === 0 ? slug : `${slug}-${before}`);
    }
    for (const [, name] of line.matchAll(/<a\s+(?:id|name)="([^"]+)"/g)) anchors.add(name!);
    const prose = line.replace(/`[^`]*`/g, (code) => " ".repeat(code.length));
    for (const [, target] of prose.matchAll(/\]\(<?([^)>\s]+)>?(?:\s+"[^"]*")?\)/g))
      links.push({ target: target!, line: at + 1 });
    for (const [, target] of prose.matchAll(/^\[[^\]]+\]:\s+(\S+)/g)) links.push({ target: target!, line: at + 1 });
  }
  return { anchors, links, snippets };
}

function marks(remark: string): Pick<Snippet, "notRun" | "file" | "fails"> {
  const value = (key: string) => new RegExp(`^\\s*${key}:(.*)$`, "m").exec(remark)?.[1]?.trim();
  return { notRun: value("not run"), file: value("file"), fails: Number(value("fails") ?? 0) };
}

/** As GitHub makes anchors of headings: lower case, punctuation gone, spaces to hyphens. */
const slugOf = (heading: string) =>
  heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replace(/\s/g, "-");
