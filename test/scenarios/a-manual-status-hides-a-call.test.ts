import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { buttonOf, cardsOf, textOf } from "../bot/bench.ts";
import { FakeTeams } from "../bot/teams.ts";
import { openCompany } from "./company.ts";
import { sceneIn, staysAsItIs } from "./scene.ts";

type Card = ReturnType<typeof cardsOf>[number];

test.concurrent.each([
  ["DoNotDisturb", "Do not disturb", "DoNotDisturb"],
  ["Available", "Available", "Busy"],
] as const)(
  "[R321] [R322] %s, set by hand in Teams, hides a desk phone's call until she presses one button",
  async (manual, words, inDynamics) => {
    await using company = await openCompany({ reps: 3, programArguments: ["--local"] });
    const teams = await FakeTeams.open();
    const rep = sceneIn(company);
    const [person] = company.people;
    const post = async (more: object): Promise<unknown> => {
      const answer = await fetch(`${company.service.url}/api/messages`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          id: randomUUID(),
          channelId: "msteams",
          serviceUrl: teams.url,
          from: { id: "29:rep", name: "The rep", aadObjectId: person?.teams },
          recipient: { id: "28:bot" },
          conversation: { id: "chat", conversationType: "personal" },
          locale: "en-US",
          ...more,
        }),
      });
      const body = await answer.text();
      return body === "" ? null : JSON.parse(body);
    };
    const asks = async (text: string): Promise<Card | undefined> => {
      await post({ type: "message", text });
      return teams.messages.flatMap(({ activity }) => cardsOf(activity)).at(-1);
    };
    try {
      rep.inTeams(manual);
      await rep.shows(manual, manual);
      await rep.reported({ type: "hold.started", hold: "call", status: "InACall" });
      await rep.shows(manual, inDynamics);
      await staysAsItIs(company, rep);

      const card = await asks("me");
      expect(textOf(card)).toContain(
        `**${words}**, set by hand in Teams, keeps **In a call** from showing there.`,
      );
      const { verb, data } = buttonOf(card, "Resume syncing");
      const action = { type: "Action.Execute", verb, data };
      const answer = await post({
        type: "invoke",
        name: "adaptiveCard/action",
        value: { action, trigger: "manual" },
      });
      expect(textOf((answer as { readonly value: Card }).value)).toContain("is lifted");
      await rep.shows("InACall", "Busy");
      await staysAsItIs(company, rep);
      expect(textOf(await asks("me"))).not.toContain("by hand");
      await rep.reported({ type: "hold.ended", hold: "call" });
      await rep.shows("Available", "Available");
      await staysAsItIs(company, rep);
    } finally {
      await teams.close();
    }
  },
);
