import { DATAVERSE } from "./dataverse.ts";
import type { Grammar } from "./grammar.ts";
import { PARTNER } from "./partner.ts";

/** Everything that the service reads from strangers. */
export const GRAMMARS: readonly Grammar[] = [DATAVERSE, PARTNER];
