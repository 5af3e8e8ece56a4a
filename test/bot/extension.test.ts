import { afterAll, beforeAll, expect, test } from "vitest";
import { BotBench, buttonOf, type Role, textOf } from "./bench.ts";

let bench: BotBench;
beforeAll(async () => {
  bench = await BotBench.open();
});
afterAll(async () => {
  await bench.close();
});

type Found = { readonly content: Readonly<Record<string, unknown>>; readonly preview: unknown };

/** What somebody finds who types into the search of the compose box. */
async function search(role: Role, text: string): Promise<readonly Found[] | number> {
  const { status, json } = await bench.post(
    bench.activity(role, "personal", {
      type: "invoke",
      name: "composeExtension/query",
      value: {
        commandId: "findRep",
        parameters: [{ name: "name", value: text }],
        queryOptions: { skip: 0, count: 25 },
      },
    }),
  );
  const { composeExtension } = (json ?? {}) as {
    readonly composeExtension?: { readonly attachments: readonly Found[] };
  };
  return composeExtension?.attachments ?? status;
}

const namesFor = async (role: Role, text: string): Promise<readonly string[]> => {
  const found = await search(role, text);
  return typeof found === "number" ? [] : found.map(({ content }) => textOf(content));
};

test("[R215] whoever searches finds herself and those she manages, and nobody else", async () => {
  expect(await namesFor("manager", "")).toEqual(["**Ana Lima**", "**Ben Osei**"]);
  expect(await namesFor("manager", "ben")).toEqual(["**Ben Osei**"]);
  expect(await namesFor("manager", "cleo")).toEqual([]);
  expect(await namesFor("foreign manager", "")).toEqual(["**Cleo Marsh**"]);
  expect(await namesFor("rep", "")).toEqual(["**Ana Lima**"]);
  expect(await namesFor("guest", "")).toEqual([]);
  expect(await search("other tenant", "ana")).toBe(401);
});

test("[R217] the card that is inserted shows a name, and more to whoever presses and may see it", async () => {
  const found = await search("manager", "ana");
  const content = typeof found === "number" ? null : found[0]?.content;
  const button = buttonOf(content, "Show it to me");
  expect(JSON.stringify(content)).not.toMatch(/Available|Busy/);
  expect(textOf(await bench.press("manager", button, "channel"))).toContain("Ana Lima\nAvailable");
  expect(textOf(await bench.press("rep", button, "personal"))).toContain("Ana Lima\nAvailable");
  expect(textOf(await bench.press("foreign manager", button, "channel"))).toContain("may not");
  expect(textOf(await bench.press("guest", button, "channel"))).toContain("may not");
});
