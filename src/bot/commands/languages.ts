import { ENGLISH } from "./english.ts";
import { GERMAN } from "./german.ts";
import { JAPANESE } from "./japanese.ts";
import type { Words } from "./words.ts";

export const LANGUAGES: readonly Words[] = [ENGLISH, GERMAN, JAPANESE];

/** The language of a locale such as `de-AT`, then English: what is not understood in the one may be in the other. */
export function languagesFor(locale: string | null): readonly [Words, ...Words[]] {
  const language = locale?.toLowerCase().split("-")[0];
  const own = LANGUAGES.find((words) => words.language === language) ?? ENGLISH;
  return own === ENGLISH ? [ENGLISH] : [own, ENGLISH];
}
