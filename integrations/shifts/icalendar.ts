import { collected, type Plan, shiftOf } from "./plan.ts";

/** Name, parameters, value. What stands in quotation marks in a parameter may hold a colon. */
const PROPERTY = /^([\w-]+)(?:;(?:"[^"]*"|[^":])*)?:(.*)$/;
/** No property has such a name. */
const SEVERAL = "several people";

/**
 * The events of an iCalendar file (RFC 5545) as shifts: UID, DTSTART, DTEND, and the attendee whose `mailto:` or
 * `urn:` says who. Times must be UTC (`…Z`), and an event that repeats, or is several people's, is a problem and not
 * a guess: a planner can export single events.
 */
export function readICalendar(text: string): Plan {
  const lines = text.replaceAll(/\r?\n[ \t]/g, "").split(/\r?\n/);
  if (lines[0]?.trim().toUpperCase() !== "BEGIN:VCALENDAR")
    throw new Error("this is no iCalendar file");
  const events: Map<string, string>[] = [];
  let open: Map<string, string> | null = null;
  /** Of what stands inside an event, such as an alarm, which has attendees of its own. */
  let inside: string | null = null;
  for (const line of lines) {
    const [, name = "", value = ""] = PROPERTY.exec(line) ?? [];
    const [key, component] = [name.toUpperCase(), value.trim().toUpperCase()];
    if (inside !== null) {
      if (key === "END" && component === inside) inside = null;
    } else if (key === "BEGIN") {
      if (component === "VEVENT") open = new Map();
      else if (open) inside = component;
    } else if (key === "END" && component === "VEVENT" && open) {
      events.push(open);
      open = null;
    } else if (open?.has(key) && key === "ATTENDEE") open.set(SEVERAL, "yes");
    else if (key !== "" && open && !open.has(key)) open.set(key, value.trim());
  }
  return collected(
    events
      .filter((event) => event.get("STATUS")?.toUpperCase() !== "CANCELLED")
      .map((event, index) => {
        const where = `event ${index + 1}`;
        const id = event.get("UID") ?? "";
        if (id === "") return { where, says: "it has no UID" };
        if (event.has("RRULE")) return { where, says: "it repeats; export single events" };
        if (event.has(SEVERAL))
          return { where, says: "it names several people; export one for each" };
        const person = (event.get("ATTENDEE") ?? "").replace(/^(mailto|urn:uuid):/i, "");
        const times = { from: utc(event.get("DTSTART")), until: utc(event.get("DTEND")) };
        return shiftOf({ id, person, ...times }, where);
      }),
  );
}

/** `20261120T090000Z` as RFC 3339; whatever else it is is left for a complaint. */
const utc = (text = ""): string =>
  text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z");
