import type { EmulatorResponse } from "../listener.ts";
import type { EntraAccount } from "./account.ts";
import { describe, type Refusal } from "./refusal.ts";

/** The pages a person sees in the browser. They are plain on purpose: nobody shall take them for the real ones. */
function page(status: number, title: string, body: string): EmulatorResponse {
  return {
    status,
    headers: { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" },
    text: `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escape(title)}</title><h1>${escape(title)}</h1>${body}</html>`,
  };
}

/** Lists the accounts; each is a link back to the same request with `sign_in_as`. */
export function pickAccount(url: URL, accounts: readonly EntraAccount[]): EmulatorResponse {
  const items = accounts
    .map(({ oid, upn, name }) => `<li>${link(url, { sign_in_as: oid }, `${name} (${upn})`)}`)
    .join("");
  const cancel = link(url, { sign_in_as: "nobody" }, "Cancel");
  return page(200, "Emulated sign-in", `<ul>${items}</ul><p>${cancel}</p>`);
}

export function askConsent(
  url: URL,
  account: EntraAccount,
  permissions: readonly string[],
): EmulatorResponse {
  const items = permissions.map((permission) => `<li>${escape(permission)}`).join("");
  const answers = { sign_in_as: account.oid };
  return page(
    200,
    "Permissions requested",
    `<p>${escape(account.name)}</p><ul>${items}</ul>` +
      `<p>${link(url, { ...answers, consent: "accept" }, "Accept")} ${link(url, { ...answers, consent: "decline" }, "Cancel")}</p>`,
  );
}

/** What cannot be told to the application, because nobody knows yet that the address is the application's. */
export function showRefusal(refused: Refusal): EmulatorResponse {
  return page(400, "Sorry, but we're having trouble signing you in.", escape(describe(refused)));
}

/** Sends the answer back through the browser in the way the application asked for. */
export function sendBack(
  redirectUri: string,
  mode: "query" | "fragment" | "form_post",
  fields: Readonly<Record<string, string>>,
): EmulatorResponse {
  if (mode === "form_post") {
    const inputs = Object.entries(fields)
      .map(
        ([name, value]) => `<input type="hidden" name="${escape(name)}" value="${escape(value)}">`,
      )
      .join("");
    const form = `<form method="post" action="${escape(redirectUri)}">${inputs}<button>Continue</button></form>`;
    return page(200, "Working...", `${form}<script>document.forms[0].submit()</script>`);
  }
  const target = new URL(redirectUri);
  if (mode === "fragment") target.hash = new URLSearchParams(fields).toString();
  else for (const [name, value] of Object.entries(fields)) target.searchParams.set(name, value);
  return { status: 302, headers: { location: target.href, "cache-control": "no-store" } };
}

function link(url: URL, extra: Readonly<Record<string, string>>, text: string): string {
  const target = new URL(url);
  for (const [name, value] of Object.entries(extra)) target.searchParams.set(name, value);
  return `<a href="${escape(target.pathname + target.search)}">${escape(text)}</a>`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
