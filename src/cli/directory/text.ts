const MAX_CHARACTERS = 256;

/**
 * What keeps a text that somebody gave from being kept and shown to others, as the end of a sentence; `null` if
 * nothing does. A control character can rewrite a terminal, and PostgreSQL takes no NUL.
 */
export function faultOfText(text: string): string | null {
  if (text.length > MAX_CHARACTERS) return `has more than ${MAX_CHARACTERS} characters`;
  return /[^\P{Cc}\n\t]/u.test(text) ? "has a control character" : null;
}
