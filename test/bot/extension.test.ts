import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  CLEO,
  BILLING,
  BotBench,
  buttonOf,
  CONSOLE_URL,
  queueDeskOf,
  type Role,
  textOf,
} from "./bench.ts";

let bench: BotBench;
beforeAll(async () => {
  bench = await BotBench.open({ queues: queueDeskOf([BILLING]) });
});
afterAll(async () => {
  await bench.close();
});

type Found = {
  readonly content: Readonly<Record<string, unknown>>;
  readonly preview: { readonly content: { readonly title: string } };
};
type Extension = { readonly attachments?: readonly Found[]; readonly text?: string };

async function ask(role: Role, name: string, value: object): Promise<Extension | number> {
  const { status, json } = await bench.post(
    bench.activity(role, "personal", { type: "invoke", name, value }),
  );
  const { composeExtension } = (json ?? {}) as { readonly composeExtension?: Extension };
  return composeExtension ?? status;
}

/** What somebody finds who types into the search of the compose box; `null`: the list before she types. */
async function search(role: Role, text: string | null, commandId = "findRep") {
  const parameters = [
    text === null ? { name: "initialRun", value: "true" } : { name: "name", value: text },
  ];
  const queryOptions = { skip: 0, count: 25 };
  return ask(role, "composeExtension/query", { commandId, parameters, queryOptions });
}

async function names(asked: Promise<Extension | number>): Promise<readonly string[]> {
  const found = await asked;
  return typeof found === "number"
    ? []
    : (found.attachments ?? []).map(({ preview }) => preview.content.title);
}

async function only(asked: Promise<Extension | number>): Promise<Found["content"] | undefined> {
  const found = await asked;
  return typeof found === "number" ? undefined : found.attachments?.[0]?.content;
}

const link = (role: Role, url: string) => ask(role, "composeExtension/queryLink", { url });

describe("search in the compose box", () => {
  test("[R215] whoever searches finds herself and those she manages, and nobody else", async () => {
    expect(await names(search("manager", ""))).toEqual(["Ana Lima", "Ben Osei"]);
    expect(await names(search("manager", null))).toEqual(["Ana Lima", "Ben Osei"]);
    expect(await names(search("manager", "ben"))).toEqual(["Ben Osei"]);
    expect(await names(search("manager", "cleo"))).toEqual([]);
    expect(await names(search("foreign manager", ""))).toEqual(["Cleo Marsh"]);
    expect(await names(search("rep", ""))).toEqual(["Ana Lima"]);
    expect(await names(search("guest", ""))).toEqual([]);
    expect(await search("other tenant", "ana")).toBe(401);
  });

  test("[R332] the end of the list is the end: what was found is not found again on the next page", async () => {
    const value = {
      commandId: "findRep",
      parameters: [{ name: "initialRun", value: "true" }],
    };
    const page = (skip: number) =>
      names(
        ask("manager", "composeExtension/query", { ...value, queryOptions: { skip, count: 25 } }),
      );
    expect(await page(0)).toEqual(["Ana Lima", "Ben Osei"]);
    expect(await page(1)).toEqual(["Ben Osei"]);
    expect(await page(2)).toEqual([]);
  });

  test("[R332] managers find queues, and nobody else does", async () => {
    expect(await names(search("manager", "bil", "findQueue"))).toEqual(["Billing"]);
    expect(await names(search("manager", null, "findQueue"))).toEqual(["Billing"]);
    expect(await names(search("manager", "orders", "findQueue"))).toEqual([]);
    for (const role of ["rep", "guest"] as const) {
      expect(await names(search(role, "", "findQueue"))).toEqual([]);
    }
    expect(await search("other tenant", "", "findQueue")).toBe(401);
  });

  test("[R217] the card that is inserted shows a name, and more to whoever presses and may see it", async () => {
    const content = await only(search("manager", "ana"));
    const button = buttonOf(content, "Show it to me");
    expect(JSON.stringify(content)).not.toMatch(/Available|Busy/);
    expect(textOf(await bench.press("manager", button, "channel"))).toContain(
      "Ana Lima\nAvailable",
    );
    expect(textOf(await bench.press("rep", button, "personal"))).toContain("Ana Lima\nAvailable");
    expect(textOf(await bench.press("foreign manager", button, "channel"))).toContain("may not");
    expect(textOf(await bench.press("guest", button, "channel"))).toContain("may not");
  });

  test("[R332] so does that of a queue, and it is live for the one who inserted it", async () => {
    const content = await only(search("manager", "billing", "findQueue"));
    expect(textOf(content)).not.toContain("1 / 2");
    const { action, userIds } = (content ?? {})["refresh"] as {
      readonly action: { readonly verb: string; readonly data: object };
      readonly userIds: readonly string[];
    };
    expect(userIds).toEqual(["29:manager"]);
    const live = await bench.press("manager", { ...action, data: { ...action.data } }, "channel");
    expect(textOf(live)).toMatch(/Queue Billing[^]*1 \/ 2/);
    for (const role of ["rep", "guest"] as const) {
      const shown = await bench.press(role, { ...action, data: { ...action.data } }, "channel");
      expect(textOf(shown)).toContain("may not");
    }
  });

  test("[R332] what is inserted into a chat with the bot is no question to it, words beside it are", async () => {
    const html = `\n<span class="inline-compose-card" itemid="0" itemtype="http://schema.skype.com/InputExtension">
      <span content="0" itemprop="cardId"></span>\n</span>\n`;
    expect(await bench.say("manager", html)).toEqual({ status: 200, cards: [] });
    const { cards } = await bench.say("manager", `${html} status Ana`);
    expect(textOf(cards[0])).toContain("Ana Lima\nAvailable");
    const cut = '<span class="inline-compose-card" itemid="0"';
    expect((await bench.say("manager", `me ${cut}`)).cards).toHaveLength(1);
  });

  test("[R222] while rights cannot be looked up it finds nothing and says so", async () => {
    bench.groupsFail = true;
    await bench.crew.clock.advance(300_001);
    const found = await search("manager", "ana");
    bench.groupsFail = false;
    expect(found).toMatchObject({ type: "message", text: /went wrong/ });
    expect(bench.faults.splice(0)).toHaveLength(1);
  });
});

describe("a link to the console", () => {
  test("[R333] of a rep or a queue becomes a card with her name, live for whoever may see her", async () => {
    const content = await only(link("manager", `${CONSOLE_URL}/#/reps/ana`));
    expect(textOf(content)).toContain("Ana Lima");
    expect(content?.["version"]).toBe("1.3");
    expect(JSON.stringify(content)).not.toMatch(/Available|Busy/);
    const button = buttonOf(content, "Show it to me");
    expect(textOf(await bench.press("manager", button, "channel"))).toContain("Available");
    expect(textOf(await bench.press("guest", button, "channel"))).toContain("may not");
    const queue = await only(link("manager", `${CONSOLE_URL}/#/queues/billing`));
    expect(textOf(queue)).toContain("Billing");
  });

  test("[R333] says nothing to whoever may not see what it leads to, and the attempt is kept", async () => {
    const refusals = async (): Promise<number> => {
      const kinds = ["ana", "ben", "cleo", "nobody"].map((rep) => `bot.audit:${rep}`);
      const kept = await Promise.all(kinds.map((kind) => bench.crew.engine.kept(kind)));
      return kept.flat().filter(({ body }) => JSON.stringify(body).includes('"refusal"')).length;
    };
    const before = await refusals();
    const refused = [
      link("manager", `${CONSOLE_URL}/#/reps/${CLEO.rep}`),
      link("rep", `${CONSOLE_URL}/#/reps/ben`),
      link("guest", `${CONSOLE_URL}/#/reps/ana`),
      link("rep", `${CONSOLE_URL}/#/queues/billing`),
      link("manager", `${CONSOLE_URL}/#/reps/nobody`),
    ];
    for (const asked of refused) expect(await names(asked)).toEqual([]);
    expect(await refusals()).toBe(before + refused.length);
    expect(await link("other tenant", `${CONSOLE_URL}/#/reps/ana`)).toBe(401);
  });

  test.each([
    ["https://evil.example/#/reps/ana"],
    ["https://lockstep.contoso.example.evil.example/#/reps/ana"],
    ["https://evil@lockstep.contoso.example/#/reps/ana"],
    ["http://lockstep.contoso.example/#/reps/ana"],
    ["https://lockstep.contoso.example:8443/#/reps/ana"],
    [`${CONSOLE_URL}/other/#/reps/ana`],
    [`${CONSOLE_URL}/?x=1#/reps/ana`],
    [`${CONSOLE_URL}/#/reps/`],
    [`${CONSOLE_URL}/#/reps/ana/history`],
    [`${CONSOLE_URL}/#/people/ana`],
    [`${CONSOLE_URL}/#/reps/..%2Fana`],
    [`${CONSOLE_URL}/reps/ana`],
    ["not a link"],
    [""],
  ])("[R333] %s is none of ours", async (url) => {
    expect(await names(link("manager", url))).toEqual([]);
  });

  test("[R222] whatever comes in place of an address is answered with nothing", async () => {
    for (const value of [{}, { url: null }, { url: 7 }, { url: ["x"] }, null]) {
      expect(await names(ask("manager", "composeExtension/queryLink", value as object))).toEqual(
        [],
      );
    }
    expect(bench.faults).toEqual([]);
  });
});
