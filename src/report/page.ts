// The frame of a page that needs nothing else: no script, no reference to the network.

import { plain } from "./format.js";
import { Markup, html as markup } from "./markup.js";
import { STYLE } from "./style.js";

export interface Page {
  readonly title: string;
  /** Version of pare that made it. */
  readonly version: string;
  readonly head: Markup;
  readonly body: Markup;
}

/** A peel coming off a round: drawn here, so that the page needs no file. */
const LOGO = new Markup(
  '<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" aria-hidden="true"><circle cx="11" cy="10" r="6.5" fill="currentColor" fill-opacity=".16" stroke="none"/><path d="M17.5 10A6.5 6.5 0 1 0 11 16.5c4.5 0 9-1 9 2.2 0 2.3-3.6 2.8-6 1.3"/></svg>',
);

export const page = ({ title, version, head, body }: Page): Markup => markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="generator" content="pare ${plain(version)}">
<title>${title} · pare</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
<main>
<header>
<div class="brand">${LOGO} pare</div>
<h1>${title}</h1>
${head}
</header>
${body}
</main>
</body>
</html>
`;
