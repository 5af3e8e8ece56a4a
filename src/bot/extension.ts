import { CardFactory, type MessagingExtensionResult, type TurnContext } from "botbuilder";
import type { Router } from "./adapter.ts";
import type { Desk } from "./desk.ts";
import { searchPeople } from "./find.ts";
import type { Turn } from "./turn.ts";

const MOST_RESULTS = 15;

/** Names and cards of the manifest's compose extension; test/app-package.test.ts holds the two together. */
export const SEARCH_COMMAND = "findRep";

/**
 * Search from the compose box: whoever types sees only reps whom she may see. What is put into the message is a card
 * that shows everybody nothing but a name, and each viewer what that viewer may see when she presses.
 */
export function addExtension(
  router: Router,
  desk: Desk,
  whoAsks: (context: TurnContext) => Turn | null,
): void {
  router.messageExtensions.query<Record<string, string>>(
    SEARCH_COMMAND,
    async (context, _state, { parameters }): Promise<MessagingExtensionResult> => {
      const turn = whoAsks(context);
      const wanted = Object.values(parameters).find((value) => typeof value === "string") ?? "";
      const people = turn ? await desk.search(turn, wanted, searchPeople) : [];
      const attachments = people.slice(0, MOST_RESULTS).map((person) => {
        const card = turn ? desk.shared(turn, person) : {};
        return {
          ...CardFactory.adaptiveCard(card),
          preview: CardFactory.thumbnailCard(person.name, person.email ?? ""),
        };
      });
      return { type: "result", attachmentLayout: "list", attachments };
    },
  );
}
