import { readFile } from "node:fs/promises";
import { createLockstep } from "../client.ts";
import { readCsv } from "./csv.ts";
import { readGraph } from "./graph.ts";
import { readICalendar } from "./icalendar.ts";
import type { Plan } from "./plan.ts";
import { type Known, push } from "./push.ts";

const EVERY_MS = 5 * 60_000;
const [DAY_MS, AHEAD_DAYS] = [86_400_000, 14];

const say = (text: string): void => void process.stderr.write(`${text}\n`);
const given = (name: string): string => process.env[name] ?? "";

function need(name: string): string {
  const value = given(name);
  if (value !== "") return value;
  say(`${name} is missing; see README.md`);
  process.exit(64);
}

/** An app-only token, by the client's secret: Schedule.Read.All is all that it needs. */
async function graphToken(): Promise<string> {
  const body = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: need("CLIENT_ID"),
    client_secret: need("CLIENT_SECRET"),
    scope: "https://graph.microsoft.com/.default",
  });
  const url = `https://login.microsoftonline.com/${need("TENANT_ID")}/oauth2/v2.0/token`;
  const answer = await fetch(url, { method: "POST", body });
  if (!answer.ok) throw new Error(`Entra answered ${answer.status}`);
  return ((await answer.json()) as { readonly access_token: string }).access_token;
}

async function read(nowMs: number): Promise<Plan> {
  const path = given("PLAN_FILE");
  if (path !== "") {
    const text = await readFile(path, "utf8");
    return /\.ics$/i.test(path) ? readICalendar(text) : readCsv(text);
  }
  const [fromMs, untilMs] = [nowMs - DAY_MS, nowMs + AHEAD_DAYS * DAY_MS];
  const graphUrl = "https://graph.microsoft.com";
  return readGraph({ graphUrl, teamId: need("TEAM_ID"), fromMs, untilMs, token: graphToken });
}

/** `PEOPLE` says who is whom; without it the plan's people are Entra object ids, as in Graph. */
const people = new Map(
  given("PEOPLE")
    .split(",")
    .filter((item) => item !== "")
    .map((item): [string, string] => {
      const at = item.lastIndexOf("=");
      return [item.slice(0, at).trim().toLowerCase(), item.slice(at + 1).trim()];
    }),
);
const reps = (person: string): string | null =>
  people.get(person.toLowerCase()) ??
  (/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(person) ? person : null);

const lockstep = createLockstep({ url: need("LOCKSTEP_URL"), secret: need("LOCKSTEP_SECRET") });
let before: readonly Known[] = [];

for (;;) {
  try {
    const nowMs = Date.now();
    const { shifts, problems } = await read(nowMs);
    const { planned, withdrawn, refused, known } = await push(lockstep, shifts, {
      reps,
      before,
      nowMs,
    });
    before = known;
    say(`${planned} planned, ${withdrawn} withdrawn, refused ${JSON.stringify(refused)}`);
    for (const { where, says } of problems) say(`${where}: ${says}`);
  } catch (error) {
    say(error instanceof Error ? error.message : "the plan could not be read");
    if (process.argv.includes("--once")) process.exitCode = 1;
  }
  if (process.argv.includes("--once")) break;
  await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
}
