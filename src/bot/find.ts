import { distance } from "./commands/parse.ts";
import type { Person } from "./port.ts";

/** Names compare without accents and case: "Tomás" is found as "tomas". */
export function folded(text: string): string {
  return text
    .normalize("NFKD")
    .replaceAll(/\p{M}/gu, "")
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}@.]+/gu, " ")
    .trim();
}

const SURE = 4;

/**
 * How well `wanted` (folded) names the person: 4 the whole name, the address or its local part; 3 each word begins a
 * word of the name; 2 it stands inside the name; 1 nearly a word of it, by a typing mistake; 0 not at all.
 */
function fit(wanted: string, { name, email }: Pick<Person, "email" | "name">): number {
  const full = folded(name);
  const address = email?.toLowerCase() ?? "";
  if (full === wanted || address === wanted || address.split("@")[0] === wanted) return SURE;
  const words = full.split(" ");
  const parts = wanted.split(" ");
  if (parts.every((part) => words.some((word) => word.startsWith(part)))) return 3;
  if (full.includes(wanted)) return 2;
  const isNear = (part: string): boolean =>
    part.length > 3 &&
    words.some((word) => distance(part, word) <= 1 + Math.floor(part.length / 6));
  return parts.every(isNear) ? 1 : 0;
}

/** Those who are meant by a name, all equally well: one if it is clear, several if not, none if nobody fits. */
export function findPeople(text: string, people: readonly Person[]): readonly Person[] {
  const byId = /^id:(.+)$/.exec(text)?.[1];
  if (byId !== undefined) return people.filter(({ identity }) => identity.rep === byId);
  const wanted = folded(text);
  if (wanted === "") return [];
  let best = 1;
  let found: Person[] = [];
  for (const person of people) {
    const score = fit(wanted, person);
    if (score > best) {
      best = score;
      found = [];
    }
    if (score === best) found.push(person);
  }
  return found;
}

type Named = Pick<Person, "name">;

/** The same for queues, which have no address. */
export function searchQueues<Queue extends Named>(
  text: string,
  queues: readonly Queue[],
): readonly Queue[] {
  return search(text, queues, (wanted, { name }) => fit(wanted, { name, email: null }));
}

/** Whom the beginning of a name could still become, for a search while it is typed; best first. */
export function searchPeople(text: string, people: readonly Person[]): readonly Person[] {
  return search(text, people, fit);
}

function search<Item>(
  text: string,
  items: readonly Item[],
  fitOf: (wanted: string, item: Item) => number,
): readonly Item[] {
  const wanted = folded(text);
  if (wanted === "") return items;
  const scored = items.flatMap((item) => {
    const score = fitOf(wanted, item);
    return score === 0 ? [] : [{ item, score }];
  });
  return scored.toSorted((a, b) => b.score - a.score).map(({ item }) => item);
}
