import { ACTIVITY } from "./activity.ts";
import { DATAVERSE } from "./dataverse.ts";
import type { Grammar } from "./grammar.ts";
import { GRAPH } from "./graph.ts";
import { PARTNER } from "./partner.ts";

/** Everything that the service decodes from strangers. */
export const GRAMMARS: readonly Grammar[] = [DATAVERSE, PARTNER, GRAPH, ACTIVITY];
