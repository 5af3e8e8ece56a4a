import type { RepId } from "../presence/identity.ts";
import type { Answer, Asker } from "./asker.ts";
import type { Audit, AuditEntry } from "./audit.ts";
import { plain } from "./cards/element.ts";
import { noteCard } from "./cards/note-card.ts";
import { lookupsCard } from "./cards/story-card.ts";
import type { Conversations } from "./conversations.ts";
import type { BotPort, Person } from "./port.ts";
import type { Watches } from "./watches.ts";

const PAGE = 1_000;
/** A message of Teams holds about 28 KB; JSON in it is escaped once more. */
const CHUNK = 12_000;

/** What a rep may do about herself and what is kept about her: see who looked, take it along, erase it, pause. */
export class Own {
  readonly #port: BotPort;
  readonly #audit: Audit;
  readonly #conversations: Conversations;
  readonly #watches: Watches;

  constructor(port: BotPort, audit: Audit, conversations: Conversations, watches: Watches) {
    this.#port = port;
    this.#audit = audit;
    this.#conversations = conversations;
    this.#watches = watches;
  }

  async lookups(asker: Asker): Promise<Answer> {
    const { self } = asker.standing;
    if (!self) return asker.refuse("youAreNoRep");
    const entries = await this.#audit.about(self.identity.rep);
    const rows = entries.map((entry) => ({ atMs: entry.atMs, says: this.#sentence(asker, entry) }));
    return { card: lookupsCard(rows, asker.nowMs, asker.showing({ name: "lookups" }, [])) };
  }

  /** Everything that is kept about her, whole, in as many messages as it takes. Only where she is alone with us. */
  async export(asker: Asker): Promise<Answer> {
    const { self, objectId } = asker.standing;
    if (!self) return asker.refuse("youAreNoRep");
    if (!asker.isAlone) return asker.refuse("onlyAlone");
    const { rep } = self.identity;
    const [history, audit, watches, conversations] = await Promise.all([
      this.#history(rep),
      this.#audit.about(rep),
      this.#watches.of(objectId),
      this.#conversations.of(objectId),
    ]);
    const document = this.#port.document(rep);
    const text = JSON.stringify({
      identity: self,
      document,
      history,
      audit,
      watches,
      conversations,
    });
    const chunks = Array.from({ length: Math.ceil(text.length / CHUNK) }, (_, at) =>
      text.slice(at * CHUNK, (at + 1) * CHUNK),
    );
    const says = asker.say("exportText", {
      n: history.length,
      audits: audit.length,
      watches: watches.length,
    });
    return { card: noteCard(asker.words, says), follow: chunks };
  }

  erase(asker: Asker): Answer {
    const confirm = asker.button("eraseConfirm", { name: "erase.confirmed" });
    return { card: noteCard(asker.words, asker.say("eraseAsk"), [confirm]) };
  }

  async eraseConfirmed(asker: Asker): Promise<Answer> {
    const { self, objectId } = asker.standing;
    const counts = [
      self ? await this.#audit.eraseLookups(self.identity.rep) : 0,
      await this.#watches.forgetAll(objectId),
      await this.#conversations.forgetPerson(objectId),
    ];
    const n = counts.reduce((sum, count) => sum + count, 0);
    return { card: noteCard(asker.words, asker.say("eraseDone", { n })) };
  }

  async pause(asker: Asker, pauses: boolean): Promise<Answer> {
    const { self } = asker.standing;
    if (!self) return asker.refuse("youAreNoRep");
    const { pausing } = this.#port;
    if (!pausing) return asker.refuse("pauseMissing");
    const who = asker.standing.objectId;
    await this.#audit.write(self.identity.rep, {
      deed: "set",
      who,
      what: pauses ? "pause" : "resume",
    });
    if (pauses) {
      await pausing.pause(self.identity);
      return { card: noteCard(asker.words, asker.say("pauseDone")) };
    }
    const was = await pausing.resume(self.identity);
    return { card: noteCard(asker.words, asker.say(was ? "resumeDone" : "pauseNothing")) };
  }

  #sentence(asker: Asker, { deed, who, what }: AuditEntry): string {
    const phrase = ({ lookup: "lookupRow", set: "setRow", refusal: "refusalRow" } as const)[deed];
    return asker.say(phrase, { who: plain(this.#nameOf(who)), what: plain(what) });
  }

  /** Who is no rep is known by her Entra object id only; that says enough to find her. */
  #nameOf(objectId: string): string {
    const isHer = ({ identity }: Person): boolean => identity.teamsUserId === objectId;
    return this.#port.people().find(isHer)?.name ?? objectId;
  }

  async #history(rep: RepId): Promise<readonly unknown[]> {
    const entries: { readonly position: number }[] = [];
    for (;;) {
      const after = entries.at(-1)?.position ?? 0;
      const page = await this.#port.engine.history({ rep, after, limit: PAGE });
      entries.push(...page);
      if (page.length < PAGE) return entries;
    }
  }
}
