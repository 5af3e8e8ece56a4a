import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { createLockstep } from "../../integrations/client.ts";
import { readCsv } from "../../integrations/shifts/csv.ts";
import { readGraph } from "../../integrations/shifts/graph.ts";
import { readICalendar } from "../../integrations/shifts/icalendar.ts";
import { push } from "../../integrations/shifts/push.ts";
import { ANA, BEN, Office, secretOf } from "../api/office.ts";

const FROM = Date.parse("2026-11-20T09:00:00Z");
const UNTIL = Date.parse("2026-11-20T17:00:00Z");
const ONE = { id: "s1", person: "ana@contoso.com", fromMs: FROM, untilMs: UNTIL };

test("[R204] a CSV plan is read in any order of columns, and a line that cannot be read is named", () => {
  const text = [
    "person;until;from;id",
    "ana@contoso.com;2026-11-20T18:00:00+01:00;2026-11-20T10:00:00+01:00;s1",
    "ana@contoso.com;2026-11-20T18:00;2026-11-20T10:00;s2",
    "ben@contoso.com;2026-11-20T08:00:00Z;2026-11-20T10:00:00Z;s3",
    ";2026-11-20T18:00:00Z;2026-11-20T10:00:00Z;s4",
  ].join("\n");
  const { shifts, problems } = readCsv(text);
  expect(shifts).toEqual([ONE]);
  expect(problems.map(({ where }) => where)).toEqual(["line 3", "line 4", "line 5"]);
  expect(JSON.stringify(problems)).not.toContain("contoso");
});

test("[R204] an iCalendar plan is read with folded lines; what would be a guess is a problem", () => {
  const event = (...lines: string[]): string[] => ["BEGIN:VEVENT", ...lines, "END:VEVENT"];
  const times = ["DTSTART:20261120T090000Z", "DTEND:20261120T170000Z"];
  const text = [
    "BEGIN:VCALENDAR",
    ...event("UID:s1", ...times, 'ATTENDEE;CN="Ana":mailto:ana@', " contoso.com"),
    ...event("UID:s2", ...times, "ATTENDEE:mailto:ben@contoso.com", "RRULE:FREQ=DAILY"),
    ...event(
      "UID:s3",
      "DTSTART;TZID=Europe/Berlin:20261120T090000",
      times[1] ?? "",
      "ATTENDEE:mailto:x",
    ),
    ...event("UID:s4", ...times, "ATTENDEE:mailto:ben@contoso.com", "STATUS:CANCELLED"),
    "END:VCALENDAR",
  ].join("\r\n");
  const { shifts, problems } = readICalendar(text);
  expect(shifts).toEqual([ONE]);
  expect(problems).toHaveLength(2);
  expect(() => readICalendar("id,person")).toThrow("no iCalendar");
});

test("[R204] Shifts of Microsoft Graph are read page by page, drafts are not, and the token stays with Graph", async () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.headers.authorization} ${request.url}`);
    const { port } = server.address() as AddressInfo;
    const shift = (id: string, sharedShift: object | null) => ({
      id,
      userId: ANA.teamsUserId,
      sharedShift,
    });
    const times = { startDateTime: "2026-11-20T09:00:00Z", endDateTime: "2026-11-20T17:00:00Z" };
    const isFirst = !request.url?.includes("skiptoken");
    const elsewhere = request.url?.includes("astray");
    const next = elsewhere
      ? "http://127.0.0.1:1/evil"
      : `http://127.0.0.1:${port}/v1.0/next?skiptoken=1`;
    const body = isFirst
      ? { value: [shift("a", times), shift("b", null)], "@odata.nextLink": next }
      : { value: [shift("c", times)] };
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(body));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const graphUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const query = { graphUrl, fromMs: FROM, untilMs: UNTIL, token: async () => "t" };
  const { shifts, problems } = await readGraph({ ...query, teamId: "team" });
  expect(shifts.map(({ id, person, fromMs }) => [id, person, fromMs])).toEqual([
    ["a", ANA.teamsUserId, FROM],
    ["c", ANA.teamsUserId, FROM],
  ]);
  expect(problems).toEqual([]);
  expect(asked[0]).toContain("Bearer t /v1.0/teams/team/schedule/shifts?$filter=sharedShift");
  await expect(readGraph({ ...query, teamId: "astray" })).rejects.toThrow("not one of Graph");
});

test("[R204] what the plan says is planned; what it says no more is taken back; the ends come in time", async () => {
  const office = await Office.open();
  const url = office.url.replace("/api/v1", "");
  // The client signs with the clock on the wall, so the office's is set to it.
  office.clock.set(Date.now() - office.clock.nowMs());
  const lockstep = createLockstep({ url, secret: secretOf("planner") });
  const nowMs = office.clock.nowMs();
  const shift = (id: string, person: string, hours: number) => ({
    id,
    person,
    fromMs: nowMs - 3_600_000,
    untilMs: nowMs + hours * 3_600_000,
  });
  const people: Readonly<Record<string, string>> = { ana: ANA.rep, ben: BEN.teamsUserId };
  const reps = (person: string): string | null => people[person] ?? null;
  const plan = [
    shift("with spaces", "ana", 1),
    shift("b", "ben", 2),
    shift("c", "nobody", 1),
    shift("d", "ana", -0.5),
  ];
  const first = await push(lockstep, plan, { reps, before: [], nowMs });
  expect(first).toMatchObject({ planned: 2, withdrawn: 0, refused: { "person-unknown": 1 } });
  const second = await push(lockstep, plan.slice(0, 1), { reps, before: first.known, nowMs });
  expect(second).toMatchObject({ planned: 1, withdrawn: 1, refused: {} });
  await office.clock.advance(3 * 3_600_000);
  expect(await office.statusOf(ANA)).toBe("Offline");
  expect(await office.statusOf(BEN)).toBe("Available");
});

test("[R204] a CSV that a spreadsheet wrote is read, and one with other columns is no empty plan", () => {
  const times = "2026-11-20T10:00:00+01:00;2026-11-20T18:00:00+01:00";
  const heading = "\uFEFFID;Person;From;Until;Note";
  const rows = [heading, `s1;ana@contoso.com;${times};late, as always`, ";;;;", `;x;${times};`];
  const { shifts, problems } = readCsv(rows.join("\r\n"));
  expect(shifts).toEqual([ONE]);
  expect(problems).toEqual([{ where: "line 4", says: "it has no id" }]);
  expect(() => readCsv("ID;Name;Start;End\n1;ana;2;3")).toThrow("no column person, from, until");
  expect(() => readCsv("")).toThrow("no column");
  const broken = 'id,person,from,until\n1,"ana" ana,2,3';
  expect(() => readCsv(broken)).toThrow("the plan is no CSV");
  expect(() => readCsv(broken)).not.toThrow(/ana/);
});

test("[R204] parameters in quotation marks, and what stands inside an event, mean nothing to a shift", () => {
  const text = [
    "BEGIN:VCALENDAR",
    "BEGIN:VEVENT",
    "BEGIN:VALARM",
    "UID:alarm",
    "ATTENDEE:mailto:somebody@contoso.com",
    "END:VALARM",
    "UID:s1",
    "DTSTART:20261120T090000Z",
    "DTEND:20261120T170000Z",
    'ATTENDEE;SENT-BY="mailto:boss@contoso.com";CN="Doe: Ana":mailto:ana@contoso.com',
    "END:VEVENT",
    "BEGIN:VEVENT",
    "UID:s2",
    "DTSTART:20261120T090000Z",
    "DTEND:20261120T170000Z",
    "ATTENDEE:mailto:ana@contoso.com",
    "ATTENDEE:mailto:ben@contoso.com",
    "END:VEVENT",
    "END:VCALENDAR",
  ].join("\r\n");
  const { shifts, problems } = readICalendar(text);
  expect(shifts).toEqual([ONE]);
  expect(problems).toEqual([
    { where: "event 2", says: "it names several people; export one for each" },
  ]);
});

/** What was asked of it, and what it answers next; then 200 with nothing. */
async function openPretender(answers: { status: number; headers?: object; body: string }[]) {
  const asked: { readonly url: string; readonly body: string }[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      asked.push({ url: request.url ?? "", body });
      const answer = answers.shift() ?? { status: 200, body: '{"results":[]}' };
      response.writeHead(answer.status, { ...answer.headers });
      response.end(answer.body);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { asked, url };
}

test("[R204] a proxy that answers in HTML is told by its status, and a slash at the end of the address does no harm", async () => {
  const { asked, url } = await openPretender([{ status: 403, body: "<html>no</html>" }]);
  const lockstep = createLockstep({ url: `${url}/ `, secret: ` ${secretOf("planner")}\n` });
  expect(await lockstep.ask("GET", "/reps")).toEqual({ status: 403, json: null });
  expect(asked.map((one) => one.url)).toEqual(["/api/v1/reps"]);
});

test("[R204] a Retry-After that is a date is waited for", async () => {
  const atMs = Date.now() + 3_000;
  const headers = { "retry-after": new Date(atMs).toUTCString() };
  const { asked, url } = await openPretender([{ status: 429, headers, body: "" }]);
  await createLockstep({ url, secret: secretOf("planner") }).ask("GET", "/reps");
  expect(asked).toHaveLength(2);
  // A date has whole seconds.
  expect(Date.now()).toBeGreaterThanOrEqual(Math.floor(atMs / 1_000) * 1_000 - 10);
});

test("[R204] long ids that differ at their end are two shifts, and what is over is not taken back", async () => {
  const { asked, url } = await openPretender([
    { status: 200, body: JSON.stringify({ results: [{}, { code: "rep-unknown" }] }) },
  ]);
  const lockstep = createLockstep({ url, secret: secretOf("planner") });
  const shifts = ["1", "2"].map((end) => ({ ...ONE, id: `${"0".repeat(140)}${end}` }));
  const reps = () => ANA.rep;
  const first = await push(lockstep, shifts, { reps, before: [], nowMs: FROM });
  expect(first).toMatchObject({ planned: 1, refused: { "rep-unknown": 1 } });
  const { items } = JSON.parse(asked[0]?.body ?? "") as { items: { shift: string }[] };
  expect(new Set(items.map(({ shift }) => shift)).size).toBe(2);
  expect(items.every(({ shift }) => shift.length === 128)).toBe(true);
  const later = await push(lockstep, [], { reps, before: first.known, nowMs: UNTIL });
  expect(later).toMatchObject({ withdrawn: 0 });
  expect(asked).toHaveLength(1);
});
