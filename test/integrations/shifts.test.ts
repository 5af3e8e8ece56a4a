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
