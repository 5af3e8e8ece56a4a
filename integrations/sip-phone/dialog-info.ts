/** What a line is doing, from its PBX: a document of RFC 4235, §4. */
export type DialogInfo = {
  readonly version: number;
  /** `full` replaces all that is known of the line; `partial` only the dialogs that it names. */
  readonly state: "full" | "partial";
  readonly dialogs: readonly { readonly id: string; readonly state: string }[];
};

const MAX_CHARACTERS = 65_536;
const ATTRIBUTE = /([\w:-]+)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/g;

function attributesOf(text: string): ReadonlyMap<string, string> {
  const found = [...text.matchAll(ATTRIBUTE)];
  return new Map(found.map(([, name = "", a, b]) => [name, a ?? b ?? ""]));
}

/**
 * Reads the elements that say what the line does, whatever prefix they have, and passes over all others. `null`
 * for anything else, a document type or an entity of its own included: nothing in this format needs one.
 */
export function parseDialogInfo(xml: string): DialogInfo | null {
  if (xml.length > MAX_CHARACTERS || /<!(DOCTYPE|ENTITY)/i.test(xml)) return null;
  const bare = xml.replaceAll(/<!--[\s\S]*?-->/g, "");
  const root = /<(?:\w+:)?dialog-info\b([^<>]*)>/.exec(bare);
  if (!root) return null;
  const attributes = attributesOf(root[1] ?? "");
  const version = Number(attributes.get("version"));
  const state = attributes.get("state");
  if (!Number.isSafeInteger(version) || (state !== "full" && state !== "partial")) return null;
  const dialogs = [
    ...bare.matchAll(/<(?:\w+:)?dialog(?=[\s/>])([^<>]*?)(?:\/>|>([\s\S]*?)<\/(?:\w+:)?dialog>)/g),
  ].flatMap(([, head = "", inner = ""]) => {
    const id = attributesOf(head).get("id");
    const said = /<(?:\w+:)?state\b[^<>]*>\s*([\w-]+)\s*</.exec(inner)?.[1];
    return id && said ? [{ id, state: said }] : [];
  });
  return { version, state, dialogs };
}
