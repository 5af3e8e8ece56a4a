import type { Standing } from "./access.ts";
import type { Button, Card, Refresh } from "./cards/element.ts";
import { refusalCard } from "./cards/note-card.ts";
import type { Showing } from "./cards/rep-card.ts";
import type { Command } from "./commands/command.ts";
import { type Phrase, say, type Words } from "./commands/words.ts";
import type { Sealer, SubmitCommand } from "./seal.ts";
import type { Turn } from "./turn.ts";

/** What is sent back: one card, and texts that follow it where one card is too small. */
export type Answer = { readonly card: Card; readonly follow?: readonly string[] };

/** The person who asks, with what she may do at this moment and the language she is answered in. */
export class Asker {
  readonly turn: Turn;
  readonly standing: Standing;
  readonly words: Words;
  readonly languages: readonly Words[];
  readonly nowMs: number;
  /** Of what she sent: what is done twice with the same key is done once. */
  readonly onceKey: string;
  readonly #sealer: Sealer;

  constructor(fields: {
    readonly turn: Turn;
    readonly standing: Standing;
    readonly languages: readonly [Words, ...Words[]];
    readonly nowMs: number;
    readonly onceKey: string;
    readonly sealer: Sealer;
  }) {
    this.turn = fields.turn;
    this.standing = fields.standing;
    this.languages = fields.languages;
    [this.words] = fields.languages;
    this.nowMs = fields.nowMs;
    this.onceKey = fields.onceKey;
    this.#sealer = fields.sealer;
  }

  get isAlone(): boolean {
    return this.turn.place === "personal";
  }

  get isAnybody(): boolean {
    const { self, isAdmin, isManager } = this.standing;
    return self !== null || isAdmin || isManager;
  }

  say(phrase: Phrase, values: Readonly<Record<string, string | number>> = {}): string {
    return say(this.words, phrase, values);
  }

  button(phrase: Phrase, command: Command | SubmitCommand, primary = false): Button {
    const ref = this.#sealer.seal(command, this.turn.conversationId);
    return { title: this.say(phrase), verb: command.name, ref, primary };
  }

  /** How a card with facts is shown: it asks again by itself for the one who asked. */
  showing(refresh: Command, buttons: readonly Button[]): Showing {
    const again = this.button("refresh", refresh);
    return {
      words: this.words,
      nowMs: this.nowMs,
      buttons: [again, ...buttons],
      refresh: this.refresh(refresh),
      onlyForYou: !this.isAlone,
    };
  }

  refresh(command: Command): Refresh {
    return { ...this.button("refresh", command), userIds: [this.turn.userId] };
  }

  refuse(phrase: Phrase, values: Readonly<Record<string, string | number>> = {}): Answer {
    return { card: refusalCard(this.words, this.say(phrase, values)) };
  }
}
