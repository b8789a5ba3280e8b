// HTML in template literals, every value escaped unless it is markup already.

/** Markup that is known to be safe: made by `html` or by our own charts. */
export class Markup {
  constructor(readonly text: string) {}
}

type Part = Markup | string | number | undefined | readonly (Markup | string)[];

/** `html\`<b>${name}</b>\``: strings are escaped for text and for quoted attributes; undefined is nothing. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  let text = strings[0] ?? "";
  for (const [index, part] of parts.entries()) text += written(part) + (strings[index + 1] ?? "");
  return new Markup(text);
}

function written(part: Part): string {
  if (part === undefined) return "";
  if (part instanceof Markup) return part.text;
  if (Array.isArray(part)) return part.map(written).join("");
  return String(part).replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);
}
