import type { Rep } from "../reconcile/rep.ts";
import { restored, stored, type StoredRep } from "../reconcile/stored.ts";
import { toJson } from "./refusal.ts";

/** A rep without what is as in a new one: JSON. Throws `engine-unstorable` for what JSON cannot hold. */
export const repText = (rep: Rep): string => toJson(stored(rep));

/** The rep of a text, whether `repText` made it or she was stored whole. */
export const repIn = (text: string): Rep => restored(JSON.parse(text) as StoredRep);
