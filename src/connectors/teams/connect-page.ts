import { createHash } from "node:crypto";
import type { Answer } from "../../http/route.ts";

export type Page = {
  readonly status: number;
  readonly title: string;
  /** Plain text: it is escaped here. */
  readonly paragraphs: readonly string[];
  readonly link?: { readonly href: string; readonly text: string };
  /** A list, each with a button that posts `ref` to `to`. */
  readonly rows?: readonly {
    readonly title: string;
    readonly says: string;
    readonly button: string;
    readonly to: string;
    readonly ref: string;
  }[];
  /** The mark beside the title. */
  readonly mood: "good" | "bad";
};

const STYLE = `
:root { color-scheme: light dark; --ink: #242424; --soft: #616161; --paper: #ffffff; --ground: #f5f5f5; --good: #0f7b3f; --bad: #b3261e; --link: #4f52b2; }
@media (prefers-color-scheme: dark) { :root { --ink: #f2f2f2; --soft: #b3b3b3; --paper: #292929; --ground: #1b1b1b; --good: #6ccb8b; --bad: #f1918b; --link: #9ea2ff; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 24px; background: var(--ground); color: var(--ink); font: 16px/1.5 "Segoe UI", system-ui, sans-serif; }
main { width: 100%; max-width: 34rem; background: var(--paper); border-radius: 12px; padding: 32px; box-shadow: 0 1px 2px #0002, 0 8px 24px #0001; }
h1 { margin: 0 0 16px; font-size: 1.375rem; line-height: 1.3; display: flex; gap: 12px; align-items: baseline; }
h1 span { flex: none; }
.good span { color: var(--good); }
.bad span { color: var(--bad); }
p { margin: 0 0 12px; }
ul { list-style: none; margin: 0 0 12px; padding: 0; }
li { display: flex; flex-wrap: wrap; gap: 4px 16px; align-items: center; justify-content: space-between; padding: 12px 0; border-top: 1px solid #8883; }
li div { flex: 1 1 16rem; min-width: 0; }
code { font-size: .8125rem; overflow-wrap: anywhere; }
small { display: block; color: var(--soft); }
button { font: inherit; padding: 6px 14px; border-radius: 6px; border: 1px solid #8886; background: none; color: var(--bad); cursor: pointer; }
button:hover, button:focus-visible { background: var(--ground); }
footer { margin-top: 24px; color: var(--soft); font-size: .875rem; }
a { color: var(--link); }
`;
const STYLE_HASH = createHash("sha256").update(STYLE).digest("base64");
/** A page without a form may send none, whatever comes to stand on it. */
const policyFor = ({ rows = [] }: Page): string =>
  `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action ${rows.length > 0 ? "'self'" : "'none'"}; frame-ancestors 'none'`;
const HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "cache-control": "no-store",
  // The address of the callback holds a code: nobody is told of it.
  "referrer-policy": "no-referrer",
};

/** One page of the sign-in, without a script, an image or anything from elsewhere. */
export function renderPage(page: Page): Answer {
  const { status, title, paragraphs, link, mood, rows = [] } = page;
  const mark = mood === "good" ? "✓" : "!";
  const body = paragraphs.map((text) => `<p>${escaped(text)}</p>`).join("\n");
  const items = rows.map(
    (row) =>
      `<li><div><code>${escaped(row.title)}</code><small>${escaped(row.says)}</small></div>` +
      `<form method="post" action="${escaped(row.to)}"><input type="hidden" name="ref" value="${escaped(row.ref)}">` +
      `<button>${escaped(row.button)}</button></form></li>`,
  );
  const list = items.length > 0 ? `<ul>\n${items.join("\n")}\n</ul>` : "";
  const onward = link ? `<p><a href="${escaped(link.href)}">${escaped(link.text)}</a></p>` : "";
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)} · Lockstep</title>
<style>${STYLE}</style>
</head>
<body>
<main class="${mood}">
<h1><span aria-hidden="true">${mark}</span>${escaped(title)}</h1>
${body}
${list}
${onward}
<footer>Lockstep · subscriber accounts for Microsoft Teams presence</footer>
</main>
</body>
</html>
`;
  const headers = { ...HEADERS, "content-security-policy": policyFor(page) };
  return { status, headers, text: html };
}

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
