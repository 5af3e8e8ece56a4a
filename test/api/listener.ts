import { onTestFinished } from "vitest";
import type { Asked, Office } from "./office.ts";

export type Told = { readonly id: string; readonly event: string; readonly data: string };

/** Follows a stream as a browser does: frames, and the last id that was seen. */
export async function listen(
  office: Office,
  query = "",
  headers: Record<string, string> = {},
  who: Pick<Asked, "as" | "token"> = { as: "phone" },
) {
  const abort = new AbortController();
  onTestFinished(() => abort.abort());
  const signed = office.headersFor("", { ...who, headers });
  const answer = await fetch(`${office.url}/stream${query}`, {
    headers: signed,
    signal: abort.signal,
  });
  const listener = {
    status: answer.status,
    answer,
    told: [] as Told[],
    lastId: "",
    ended: false,
    leave: () => abort.abort(),
  };
  const read = async (): Promise<void> => {
    let text = "";
    for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const fields = text
          .slice(0, end)
          .split("\n")
          .map((line) => /^(\w*): ?(.*)$/.exec(line) ?? []);
        text = text.slice(end + 2);
        const field = (name: string): string => fields.find(([, key]) => key === name)?.[2] ?? "";
        if (field("id") !== "") listener.lastId = field("id");
        if (field("data") !== "")
          listener.told.push({ id: field("id"), event: field("event"), data: field("data") });
      }
    }
  };
  void read()
    .catch(() => undefined)
    .finally(() => (listener.ended = true));
  return listener;
}
