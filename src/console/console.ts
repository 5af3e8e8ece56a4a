import { languagesFor } from "../bot/commands/languages.ts";
import type { Reader, Reading } from "../bot/reading.ts";
import type { Answer, InboundRequest, RequestHead, Route } from "../http/route.ts";
import { cardHtml } from "./card-html.ts";
import { consolePage } from "./page.ts";

export type ConsoleOptions = {
  /** The Entra object id, lower-case, of the person for whom Teams got this token from Entra; `null`: refused. */
  readonly whoAsks: (token: string) => Promise<string | null>;
  readonly read: Reading["at"];
};

const LONGEST_PLACE = 256;
const LOCALE = /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}$/;
/** No clock on earth is further ahead of UTC or behind it. */
const MOST_MINUTES = 14 * 60;

/**
 * The tab of Teams: `GET /` is a page that holds nothing, and `GET /console/cards` what the person before it may see,
 * as HTML, by the token that Teams gives the page (Microsoft: "Tabs single sign-on"). There is nothing to be changed
 * here: no cookie, no form, no route but these two.
 */
export function createConsoleRoutes({ whoAsks, read }: ConsoleOptions): readonly Route[] {
  const common = { method: "GET", maxBytes: 0, contentTypes: [] } as const;
  return [
    {
      ...common,
      path: "/",
      handle: async ({ headers }) => {
        const accepted = headers.find(([name]) => name === "accept-language")?.[1] ?? "";
        const [words] = languagesFor(/^[A-Za-z-]+/.exec(accepted)?.[0] ?? null);
        return consolePage(words);
      },
    },
    {
      ...common,
      path: "/console/cards",
      handle: async (request) => {
        const token = tokenOf(request);
        const objectId = token === null ? null : await whoAsks(token);
        if (objectId === null) return UNAUTHORIZED;
        const asked = askedIn(request, objectId);
        const cards = asked && (await read(asked.reader, asked.place));
        if (!cards) return { status: 400, json: { code: "console-malformed" } };
        return {
          status: 200,
          headers: {
            "content-type": "text/html; charset=utf-8",
            "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
            "cache-control": "no-store",
          },
          text: cards.map(cardHtml).join("\n"),
        };
      },
    },
  ];
}

const UNAUTHORIZED: Answer = {
  status: 401,
  headers: { "www-authenticate": "Bearer" },
  json: { code: "unauthorized" },
  reason: "console-token",
};

function tokenOf({ headers }: RequestHead): string | null {
  const sent = headers.filter(([name]) => name === "authorization");
  const [only] = sent;
  if (!only || sent.length > 1) return null;
  return /^Bearer ([\w.~+/=-]+)$/i.exec(only[1])?.[1] ?? null;
}

function askedIn(
  { query }: InboundRequest,
  objectId: string,
): { readonly reader: Reader; readonly place: string } | null {
  const [place = "", locale = "en", offset = "0", zone = ""] = [
    "place",
    "locale",
    "offset",
    "zone",
  ].map((name) => query.get(name) ?? undefined);
  const offsetMinutes = /^-?\d{1,3}$/.test(offset) ? Number(offset) : Number.NaN;
  const isWell =
    place.length <= LONGEST_PLACE && LOCALE.test(locale) && Math.abs(offsetMinutes) <= MOST_MINUTES;
  const timeZone = zone === "" ? null : zone;
  return isWell ? { place, reader: { objectId, locale, offsetMinutes, timeZone } } : null;
}
