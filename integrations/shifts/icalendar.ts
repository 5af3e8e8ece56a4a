import { collected, type Plan, shiftOf } from "./plan.ts";

/**
 * The events of an iCalendar file (RFC 5545) as shifts: UID, DTSTART, DTEND, and the attendee whose `mailto:` or
 * `urn:` says who. Times must be UTC (`…Z`), and an event that repeats is a problem and not a guess: a planner can
 * export both as single events.
 */
export function readICalendar(text: string): Plan {
  const lines = text.replaceAll(/\r?\n[ \t]/g, "").split(/\r?\n/);
  if (lines[0]?.trim().toUpperCase() !== "BEGIN:VCALENDAR")
    throw new Error("this is no iCalendar file");
  const events: Map<string, string>[] = [];
  let open: Map<string, string> | null = null;
  for (const line of lines) {
    const [, name = "", value = ""] = /^([\w-]+)(?:;[^:]*)?:(.*)$/.exec(line) ?? [];
    const key = name.toUpperCase();
    if (key === "BEGIN" && value.trim().toUpperCase() === "VEVENT") open = new Map();
    else if (key === "END" && value.trim().toUpperCase() === "VEVENT" && open) {
      events.push(open);
      open = null;
    } else if (key !== "" && open && !open.has(key)) open.set(key, value.trim());
  }
  return collected(
    events
      .filter((event) => event.get("STATUS")?.toUpperCase() !== "CANCELLED")
      .map((event, index) => {
        const where = `event ${index + 1}`;
        const id = event.get("UID") ?? "";
        if (id === "") return { where, says: "it has no UID" };
        if (event.has("RRULE")) return { where, says: "it repeats; export single events" };
        const person = (event.get("ATTENDEE") ?? "").replace(/^(mailto|urn:uuid):/i, "");
        const times = { from: utc(event.get("DTSTART")), until: utc(event.get("DTEND")) };
        return shiftOf({ id, person, ...times }, where);
      }),
  );
}

/** `20261120T090000Z` as RFC 3339; whatever else it is is left for a complaint. */
const utc = (text = ""): string =>
  text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z");
