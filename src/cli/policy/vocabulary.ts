import { isBuiltIn, OUT_OF_THE_BOX } from "../../connectors/dynamics/presences.ts";
import { teamsState } from "../../connectors/teams/state.ts";
import type { DynamicsAction, Mappings } from "../../presence/mapping.ts";
import type { Vocabulary } from "../../replay/meaning.ts";

/** What Teams and Dynamics mean by their own values, as their connectors read them under `mappings`. */
export function vocabularyOf({ teams }: Mappings): Vocabulary {
  const byId = new Map(
    (Object.entries(OUT_OF_THE_BOX) as [DynamicsAction, string][]).map(([base, id]) => [id, base]),
  );
  return {
    teamsState: (native) => {
      const [availability = "", activity = ""] = native.split("/");
      return teamsState(availability, activity, teams);
    },
    // Of Microsoft's own, only what the engine alone sets can be set by nobody.
    dynamicsState: (id) => byId.get(id) ?? (isBuiltIn(id) ? "Inactive" : null),
  };
}
