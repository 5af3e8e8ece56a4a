/** What a link to the console leads to. */
export type Linked = { readonly kind: "queue" | "rep"; readonly id: string };

const PLACES = { reps: "rep", queues: "queue" } as const;
const ID = /^[\w.-]{1,128}$/;

/**
 * Reads `PUBLIC_URL/#/reps/ID` and `PUBLIC_URL/#/queues/ID`; `consoleUrl` has no trailing slash. `null` for every other
 * address, however much it looks like one of ours.
 */
export function readLink(given: string, consoleUrl: string): Linked | null {
  const [link, home] = [URL.parse(given), URL.parse(`${consoleUrl}/`)];
  if (!link || !home || link.origin !== home.origin || link.search !== "") return null;
  if (link.username !== "" || link.password !== "") return null;
  if (`${link.pathname.replace(/\/$/, "")}/` !== home.pathname) return null;
  return link.hash.startsWith("#/") ? readPlace(link.hash.slice(2)) : null;
}

/** Reads `reps/ID` and `queues/ID`. */
export function readPlace(given: string): Linked | null {
  const [place = "", id = "", ...more] = given.split("/");
  const isWhole = more.length === 0 && ID.test(id);
  if (!isWhole || (place !== "reps" && place !== "queues")) return null;
  return { kind: PLACES[place], id: id.toLowerCase() };
}
