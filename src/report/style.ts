// The style sheet of the HTML report: one column, the reader's own fonts and colour scheme, printable.

export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f6f7f5; --card: #ffffff; --ink: #1b211e; --soft: #66706a; --line: #e1e5e0; --faint: #eff2ee;
  --good: #0a7d51; --good-page: #e2f4ea; --bad: #b3402a; --bad-page: #fbe9e4; --warn: #7a5600; --warn-page: #fff3d1;
  --accent: #0e7c66;
  --m0: #a4ada8; --m1: #0e7c66; --m2: #d9742b; --m3: #5a63c8; --m4: #b83b72; --m5: #2f86b5; --m6: #8a8f1e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #121614; --card: #1a201d; --ink: #e8eeea; --soft: #98a39d; --line: #2b332f; --faint: #212824;
    --good: #5fd3a0; --good-page: #15392a; --bad: #ff9c85; --bad-page: #442018; --warn: #f3cd6b; --warn-page: #3a2f10;
    --accent: #46c2a4;
    --m0: #66706b; --m1: #3fbf9f; --m2: #f0a05a; --m3: #939bff; --m4: #f07fae; --m5: #6bbcec; --m6: #c5ca52;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif;
  -webkit-text-size-adjust: 100%;
}
main { max-width: 1040px; margin: 0 auto; padding: 40px 24px 64px; }
header { margin-bottom: 26px; }
.brand { display: flex; align-items: center; gap: 8px; color: var(--accent); font-weight: 650; letter-spacing: .02em; }
.brand svg { width: 20px; height: 20px; }
h1 { margin: 10px 0 4px; font-size: 30px; line-height: 1.2; letter-spacing: -.015em; font-weight: 680; overflow-wrap: anywhere; }
h2 { margin: 0 0 14px; font-size: 17px; letter-spacing: -.005em; font-weight: 640; }
p { margin: 0 0 10px; }
.soft { color: var(--soft); }
.small { font-size: 13px; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 22px 24px; margin-top: 18px; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(230px, 1fr)); gap: 18px; margin-top: 18px; }
.figure { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 20px 24px 18px; }
.figure b { display: block; font-size: 40px; line-height: 1.1; letter-spacing: -.03em; font-weight: 680; color: var(--accent); font-variant-numeric: tabular-nums; }
.figure .label { display: block; margin-top: 2px; font-weight: 600; }
.figure .detail { display: block; margin-top: 4px; color: var(--soft); font-size: 13px; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.caution { background: var(--warn-page); color: var(--warn); border-radius: 12px; padding: 12px 16px; margin-top: 18px; }
.caution b { display: block; }
.scroll { overflow-x: auto; margin: 0 -24px; padding: 0 24px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 7px 0 7px 22px; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--faint); font-weight: 400; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
thead th { color: var(--ink); font-weight: 600; border-bottom: 1px solid var(--line); vertical-align: bottom; }
td small { display: block; margin-top: -3px; color: var(--soft); font-size: 12px; }
th:first-child { position: sticky; left: 0; background: var(--card); }
tbody th { color: var(--soft); }
tr.group th { padding-top: 18px; color: var(--ink); font-weight: 640; font-size: 13px; }
tr:last-child th, tr:last-child td { border-bottom: 0; }
td.name { text-align: left; white-space: normal; overflow-wrap: anywhere; }
.swatch { display: inline-block; width: 10px; height: 10px; border-radius: 3px; margin-right: 7px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; color: var(--soft); font-size: 13px; margin: -4px 0 14px; }
.chip { display: inline-block; min-width: 58px; margin-left: 8px; padding: 0 7px; border-radius: 999px; font-size: 12px; line-height: 19px; text-align: center; color: var(--soft); background: var(--faint); }
.chip.good { color: var(--good); background: var(--good-page); }
.chip.bad { color: var(--bad); background: var(--bad-page); }
.chip.none { visibility: hidden; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 0 18px; }
.pair section { min-width: 0; }
figure { margin: 0; }
figure svg { display: block; width: 100%; height: auto; overflow: visible; color: var(--soft); }
figure text { font-variant-numeric: tabular-nums; }
details, .note { border-top: 1px solid var(--faint); padding: 8px 0; }
h2 + details, h2 + .note { border-top: 0; }
summary { cursor: pointer; }
summary .tally { color: var(--soft); font-size: 13px; }
details ul { margin: 8px 0 4px; padding-left: 20px; max-height: 420px; overflow: auto; }
li { margin: 2px 0; overflow-wrap: anywhere; }
.mark { display: inline-block; min-width: 62px; padding: 0 8px; margin-right: 8px; border-radius: 999px; font-size: 12px; line-height: 19px; text-align: center; color: var(--soft); background: var(--faint); }
.mark.warning { color: var(--warn); background: var(--warn-page); }
code { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }
footer { margin-top: 26px; color: var(--soft); font-size: 13px; }
footer ul { padding-left: 18px; }
@media (max-width: 560px) { main { padding: 24px 14px 40px; } section, .figure { padding: 16px; } h1 { font-size: 24px; } .scroll { margin: 0 -16px; padding: 0 16px; } }
@media print { body { background: none; } section, .figure { break-inside: avoid; } }
`;
