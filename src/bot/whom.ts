import type { Asker, Answer } from "./asker.ts";
import type { Audit } from "./audit.ts";
import { noteCard } from "./cards/note-card.ts";
import { plain } from "./cards/element.ts";
import type { Command, CommandName } from "./commands/command.ts";
import { findPeople } from "./find.ts";
import type { BotPort, Person } from "./port.ts";

export type Whom =
  | { readonly ok: true; readonly person: Person; readonly isSelf: boolean }
  | { readonly ok: false; readonly answer: Answer };

const MOST_CHOICES = 5;

/** The command with the rep named by id, as buttons carry it. */
export type About = (rep: string) => Command;

/**
 * Finds the rep who is meant and lets her be looked at or set: by herself, or by who manages her. Whoever manages
 * nobody is not even told whether a name exists. A refusal is written down before it is said.
 */
export async function whom(
  asker: Asker,
  typed: string,
  deed: CommandName,
  about: About,
  { people }: Pick<BotPort, "people">,
  audit: Audit,
): Promise<Whom> {
  const { standing, words } = asker;
  const { self } = standing;
  const meansSelf = words.self.includes(typed.trim().toLowerCase());
  if (meansSelf && self !== null) return { ok: true, person: self, isSelf: true };
  if (meansSelf) return { ok: false, answer: asker.refuse("youAreNoRep") };

  const found = findPeople(typed, people());
  const isSelf = (person: Person): boolean => person.identity.rep === self?.identity.rep;
  const allowed = found.filter((person) => isSelf(person) || standing.manages(person));
  const [only, ...others] = allowed;
  if (only && others.length === 0) return { ok: true, person: only, isSelf: isSelf(only) };
  if (only) return { ok: false, answer: choose(asker, typed, allowed, about) };
  const [forbidden] = found;
  if (forbidden || !standing.isManager) {
    const who = standing.objectId;
    const rep = forbidden?.identity.rep ?? null;
    await audit.write(rep, { deed: "refusal", who, what: deed });
    return { ok: false, answer: asker.refuse("notAllowed") };
  }
  return {
    ok: false,
    answer: asker.refuse("unknownRep", { rep: plain(typed.replace(/^id:/, "")) }),
  };
}

function choose(asker: Asker, typed: string, people: readonly Person[], about: About): Answer {
  const buttons = people.slice(0, MOST_CHOICES).map(({ name, identity }) => ({
    ...asker.button("refresh", about(`id:${identity.rep}`)),
    title: name,
  }));
  const says = asker.say("severalReps", { rep: plain(typed) });
  return { card: noteCard(asker.words, says, buttons) };
}
