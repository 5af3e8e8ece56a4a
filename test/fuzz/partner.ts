import { createHmac } from "node:crypto";
import { decodeEvent } from "../../src/connectors/partner/event.ts";
import { parseJson } from "../../src/http/json.ts";
import { systemName } from "../../src/presence/identity.ts";
import { type Grammar, type Outcome, REFUSED, taken } from "./grammar.ts";
import { materialOf } from "./mutate.ts";
import { guidIn, member, shapeOf, stringIn } from "./shape.ts";
import type { Tree } from "./tree.ts";

/** The bytes as they are: a library would sign their text, and some of these bodies are none. */
function sign(secret: string, claim: string, body: Buffer): string {
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  return `v1,${createHmac("sha256", key).update(claim).update(body).digest("base64")}`;
}

const REP = "97c90b02-4e38-ef11-a315-000d3a5a54dc";
const NOW_MS = 1_800_000_000_000;
const SENDER = { partner: systemName("phone"), receivedAtMs: NOW_MS };

const EVENTS = [
  { type: "hold.started", rep: REP, hold: "call-1", status: "InACall", ttlSeconds: 600 },
  { type: "hold.started", rep: REP, hold: "call-2", status: "Busy" },
  { type: "hold.renewed", rep: REP, hold: "call-1", ttlSeconds: 60 },
  { type: "hold.renewed", rep: REP, hold: "call-1" },
  { type: "hold.ended", rep: REP, hold: "call-1" },
  { type: "shift.started", rep: REP },
  { type: "shift.ended", rep: REP },
  { type: "status.set", rep: REP, status: "DoNotDisturb" },
];

const BASE_STATUSES = ["BeRightBack", "Away", "Busy", "InAMeeting", "DoNotDisturb", "InACall"];

const WORDS = [
  "hold.started",
  "hold.renewed",
  "hold.ended",
  "shift.started",
  "shift.ended",
  "status.set",
  "Available",
  "Offline",
  "InACall",
  "Busy",
  REP,
  "00000000-0000-0000-0000-000000000000",
  "other:call-1",
  "call 1",
  "untilMs",
  "__proto__",
] as const;

function holdIn(body: Tree): string | null {
  const hold = stringIn(member(body, "hold"));
  if (hold === null || hold.length === 0 || hold.length > 128) return null;
  return hold.split("").every((sign) => sign > " " && sign <= "~") ? `phone:${hold}` : null;
}

/** When the hold ends; `null` when the body says so wrongly. */
function untilIn(body: Tree): number | null {
  const ttl = member(body, "ttlSeconds");
  if (ttl === undefined) return NOW_MS + 14_400_000;
  const seconds = ttl.kind === "leaf" && /^[-\d]/.test(ttl.text) ? Number(ttl.text) : 0;
  const fits = Number.isInteger(seconds) && seconds >= 60 && seconds <= 14_400;
  return fits ? NOW_MS + seconds * 1000 : null;
}

function eventIn(body: Tree): unknown {
  const type = stringIn(member(body, "type"));
  const status = stringIn(member(body, "status"));
  const hold = holdIn(body);
  const untilMs = untilIn(body);
  switch (type) {
    case "hold.started":
      if (hold === null || untilMs === null || !BASE_STATUSES.includes(status ?? "")) return null;
      return { type, hold, status, untilMs };
    case "hold.renewed":
      return hold === null || untilMs === null ? null : { type, hold, untilMs };
    case "hold.ended":
      return hold === null ? null : { type, hold };
    case "status.set": {
      const known = ["Available", "Offline", ...BASE_STATUSES].includes(status ?? "");
      return known && member(body, "untilMs") === undefined ? { type, status } : null;
    }
    case "shift.started":
    case "shift.ended":
      return { type };
    default:
      return null;
  }
}

function judge(body: Tree | null): Outcome {
  if (body === null) return REFUSED;
  const { depth, keys, names, repeats } = shapeOf(body);
  const reaches = ["__proto__", "constructor", "prototype"].some((name) => names.has(name));
  if (depth > 32 || keys > 10_000 || reaches || repeats) return REFUSED;
  const rep = guidIn(member(body, "rep"));
  const event = eventIn(body);
  return rep === null || event === null ? REFUSED : taken({ rep, event });
}

/** Our own format: docs/operations.md and the partner's part of docs/SPEC.md. */
export const PARTNER: Grammar = {
  name: "partner event",
  encoding: "strict",
  material: materialOf(
    EVENTS.map((event) => JSON.stringify(event)),
    { keys: new Set(["type", "rep", "hold", "status", "ttlSeconds"]), words: WORDS },
  ),
  decode: (body) => {
    const parsed = parseJson(body, { strict: true });
    if (!parsed.ok) return REFUSED;
    const decoded = decodeEvent(parsed.value, SENDER);
    return decoded.ok ? taken({ rep: decoded.rep, event: decoded.event }) : REFUSED;
  },
  judge,
  route: {
    path: "/api/v1/events",
    maxBytes: 64 * 1024,
    headers: (body, id, { partnerSecret }) => {
      const timestamp = String(Math.floor(Date.now() / 1000));
      return {
        "webhook-id": id,
        "webhook-timestamp": timestamp,
        "webhook-signature": sign(partnerSecret, `${id}.${timestamp}.`, body),
      };
    },
    answers: (outcome, knows) => {
      if (outcome.refused) return [400];
      const { rep } = outcome.taken as { readonly rep: string };
      return knows(rep) ? [202] : [404];
    },
  },
};
