import { DATAVERSE } from "./dataverse.ts";
import type { Grammar } from "./grammar.ts";
import { GRAPH } from "./graph.ts";
import { PARTNER } from "./partner.ts";

/** What strangers send that is answered by what it means. */
export const ANSWERED: readonly Grammar[] = [DATAVERSE, PARTNER];

/** Everything that the service decodes from strangers. Graph is answered 202 whatever it sends. */
export const GRAMMARS: readonly Grammar[] = [...ANSWERED, GRAPH];
