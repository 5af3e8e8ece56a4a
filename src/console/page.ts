import { createHash } from "node:crypto";
import { say, type Words } from "../bot/commands/words.ts";
import type { Answer } from "../http/route.ts";
import { escaped } from "./card-html.ts";

/** Microsoft's own library for tabs, which asks Teams who sits before it; the version whose hash this is. */
const CDN = "https://res.cdn.office.net";
const TEAMS_JS = {
  src: `${CDN}/teams-js/2.58.0/js/MicrosoftTeams.min.js`,
  integrity: "sha384-sMo/EOqQPa1OCup2/VBRum7oFeOS22kvs8WGDc45xK53tUVZzFR5WwFYDUYN1LO4",
};

const STYLE = `
:root { color-scheme: light dark; --page: #f5f5f5; --card: #fff; --text: #242424; --subtle: #616161; --line: #e0e0e0; --accent: #5b5fc7; --good: #237b4b; --warning: #8a5a00; --attention: #c4314b; --good-back: #e7f2da; --warning-back: #fbf6d9; --attention-back: #fcf4f6; }
@media (prefers-color-scheme: dark) { :root:not([data-theme="default"]) { --page: #1f1f1f; --card: #292929; --text: #fff; --subtle: #adadad; --line: #424242; --accent: #7f85f5; --good: #92c353; --warning: #f8d22a; --attention: #f9526b; --good-back: #1c2b16; --warning-back: #39300b; --attention-back: #3e1f25; } }
:root[data-theme="dark"], :root[data-theme="contrast"] { color-scheme: dark; --page: #1f1f1f; --card: #292929; --text: #fff; --subtle: #adadad; --line: #424242; --accent: #7f85f5; --good: #92c353; --warning: #f8d22a; --attention: #f9526b; --good-back: #1c2b16; --warning-back: #39300b; --attention-back: #3e1f25; }
* { box-sizing: border-box; }
body { margin: 0; padding: 20px; background: var(--page); color: var(--text); font: 14px/1.43 "Segoe UI", "Liberation Sans", system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: 12px 24px; align-items: center; max-width: 1080px; margin: 0 auto 16px; }
h1 { font-size: 18px; margin: 0; flex: 1 1 auto; }
h1 a { color: inherit; text-decoration: none; }
nav a { color: var(--accent); }
form { flex: 0 1 340px; }
input { font: inherit; width: 100%; padding: 7px 12px; color: inherit; background: var(--card); border: 1px solid var(--line); border-bottom: 2px solid var(--accent); border-radius: 4px; }
main { max-width: 1080px; margin: 0 auto; columns: 2 420px; column-gap: 16px; }
main.alone { columns: auto; max-width: 560px; }
article { break-inside: avoid; background: var(--card); border-radius: 8px; padding: 16px; margin: 0 0 16px; box-shadow: 0 1px 3px #0003; }
h2 { font-size: 18px; margin: 0; } p { margin: 0; overflow-wrap: anywhere; }
article > * + * { margin-top: 8px; }
@media (max-width: 480px) { body { padding: 12px; } .label { flex-basis: 80px !important; } form { flex-basis: 100%; } }
.row { display: flex; gap: 8px; } .row + .row, .box > * + * { margin-top: 8px; }
.row > div { min-width: 0; } .stretch { flex: 1 1 0; } .auto { flex: none; align-self: center; } .label { flex: 0 0 104px; } .narrow { flex: 0 0 22px; }
.separated { border-top: 1px solid var(--line); padding-top: 8px; }
.style-warning, .style-attention, .style-good { padding: 12px; border-radius: 4px; }
.style-warning { background: var(--warning-back); } .style-attention { background: var(--attention-back); } .style-good { background: var(--good-back); }
.size-small { font-size: 12px; } .size-large { font-size: 18px; } .size-extralarge { font-size: 24px; line-height: 1.2; }
.weight-bolder { font-weight: 600; } .subtle { color: var(--subtle); } .whole { white-space: nowrap; } .horizontalalignment-right { text-align: right; }
.fonttype-monospace { font-family: ui-monospace, "Liberation Mono", monospace; font-size: 13px; }
.color-good { color: var(--good); } .color-warning { color: var(--warning); } .color-attention { color: var(--attention); } .color-default.subtle { color: var(--subtle); }
.band { overflow: hidden; white-space: nowrap; letter-spacing: 0; font-size: 14px; }
`;

/** Nothing is kept in the browser, and the token goes to where the page came from and nowhere else. */
const SCRIPT = `
"use strict";
const main = document.querySelector("main");
const show = (id) => {
  main.replaceChildren(document.getElementById(id).content.cloneNode(true));
  main.className = "alone";
};
const PATIENCE_MS = 10000, AGAIN_MS = 30000;
const soon = (promise) => Promise.race([promise, new Promise((_, no) => setTimeout(no, PATIENCE_MS))]);
const place = () => {
  const hash = location.hash.replace(/^#\\/?/, "");
  try { return decodeURIComponent(hash); } catch { return hash; }
};
let locale = navigator.language, asked = 0, failed = false;
async function answer() {
  let token;
  try {
    token = await soon(microsoftTeams.authentication.getAuthToken());
  } catch {
    return { shows: "refused" };
  }
  try {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
    const query = new URLSearchParams({ place: place(), locale, offset: -new Date().getTimezoneOffset(), zone });
    const given = await fetch("console/cards?" + query, { headers: { authorization: "Bearer " + token } });
    if (given.status === 401) return { shows: "refused" };
    return given.ok ? { html: await given.text() } : { shows: "failed" };
  } catch {
    return { shows: "failed" };
  }
}
async function load() {
  const mine = ++asked;
  const { html, shows } = await answer();
  // Something else was asked meanwhile: whatever came of this is not shown over it.
  if (mine !== asked) return;
  failed = shows === "failed";
  if (shows) return show(shows);
  main.innerHTML = html;
  main.className = main.children.length < 2 ? "alone" : "";
  for (const time of main.querySelectorAll("time")) {
    const style = time.dataset.shows === "time" ? { timeStyle: "short" } : { dateStyle: "medium" };
    time.textContent = new Intl.DateTimeFormat(locale, style).format(new Date(time.dateTime));
  }
}
document.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = document.querySelector("input").value.trim();
  const hash = text === "" ? "#/" : "#/" + encodeURIComponent("ask/" + text);
  // The same again changes no address, so that nobody would tell of it.
  if (location.hash === hash) void load();
  else location.hash = hash;
});
(async () => {
  try {
    await soon(microsoftTeams.app.initialize());
    const { app, page } = await soon(microsoftTeams.app.getContext());
    locale = app.locale || locale;
    const paint = (theme) => { document.documentElement.dataset.theme = theme; };
    paint(app.theme);
    microsoftTeams.app.registerOnThemeChangeHandler(paint);
    if (page.subPageId && location.hash === "") location.hash = "#/" + page.subPageId;
  } catch {
    show("outside");
    return;
  }
  addEventListener("hashchange", load);
  await load();
  microsoftTeams.app.notifySuccess();
  // A rep who is looked at is told so each time: what was shown of her is not asked for again by itself.
  setInterval(() => { if ((place() === "" || failed) && !document.hidden) void load(); }, AGAIN_MS);
})();
`;

const hashOf = (text: string): string =>
  `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
/** Who may put the page into a frame: Teams, in its old address and in its new one. */
const HOSTS =
  "https://teams.microsoft.com https://*.teams.microsoft.com https://teams.cloud.microsoft https://*.cloud.microsoft";
const POLICY = [
  "default-src 'none'",
  `script-src ${hashOf(SCRIPT)} ${TEAMS_JS.src}`,
  `style-src ${hashOf(STYLE)}`,
  // TeamsJS reads there which hosts are Microsoft's.
  `connect-src 'self' ${CDN}`,
  "base-uri 'none'",
  "form-action 'none'",
  `frame-ancestors ${HOSTS}`,
].join("; ");
const HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": POLICY,
  "cache-control": "no-cache",
  "referrer-policy": "no-referrer",
  vary: "accept-language",
};

/** The page itself: it holds nothing about anybody, so that everybody may have it. */
export function consolePage(words: Words): Answer {
  const says = (phrase: Parameters<typeof say>[1]): string => escaped(say(words, phrase));
  const template = (id: string, phrase: Parameters<typeof say>[1]): string =>
    `<template id="${id}"><article><p>${says(phrase)}</p></article></template>`;
  const html = `<!doctype html>
<html lang="${words.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Lockstep</title>
<style>${STYLE}</style>
</head>
<body>
<header><h1><a href="#/">Lockstep</a></h1>
<nav><a href="#/policy">${says("policyTitle")}</a></nav>
<form><input aria-label="${says("consoleAsk")}" placeholder="${says("consoleAsk")}" maxlength="200" autocomplete="off"></form></header>
<main class="alone" aria-live="polite"><article><p>${says("consoleLoading")}</p></article></main>
${template("outside", "consoleOutside")}
${template("refused", "consoleRefused")}
${template("failed", "consoleFailed")}
<script src="${TEAMS_JS.src}" integrity="${TEAMS_JS.integrity}" crossorigin="anonymous"></script>
<script>${SCRIPT}</script>
</body>
</html>
`;
  return { status: 200, headers: HEADERS, text: html };
}
