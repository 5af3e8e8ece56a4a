import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { makePeople } from "../../src/emulators/people.ts";
import { startTenant, type Tenant } from "../../src/emulators/tenant.ts";
import { LOOPBACK_TLS } from "../connectors/loopback.ts";
import { eventually, launch, type Service } from "../service/launch.ts";
import { connectAccount } from "./browser.ts";
import { type Person, Witness } from "./witness.ts";

/** Where Microsoft 365 believes the service to be. */
const PUBLIC_URL = "https://lockstep.example";
/** No wait of this story is as long: whatever is seen in time was announced. */
const POLL_SECONDS = "600";

async function openTenant(): Promise<Tenant> {
  return startTenant({
    people: makePeople(5),
    signedIn: true,
    tls: LOOPBACK_TLS,
    redirectUris: [`${PUBLIC_URL}/connect/teams/callback`],
  });
}

const environmentOf = ({ subscribers }: Tenant, rich: boolean) => ({
  PUBLIC_URL,
  HOST: "127.0.0.1",
  CACHE_KEY: randomBytes(32).toString("base64"),
  SUBSCRIBER_ACCOUNTS: subscribers.map(({ oid }) => oid).join(),
  RICH_NOTIFICATIONS: String(rich),
  TEAMS_POLL_SECONDS: POLL_SECONDS,
});

const people = (tenant: Tenant): readonly Person[] =>
  tenant.people.users.flatMap(({ azureObjectId, systemUserId }) =>
    azureObjectId === null ? [] : { teams: azureObjectId, dynamics: systemUserId },
  );

/** Microsoft 365 finds the service, and an administrator connects the first subscriber account. */
async function connect(tenant: Tenant, service: Service): Promise<void> {
  tenant.graph.control.setIngress({ origin: PUBLIC_URL, to: service.url });
  tenant.entra.control.setPresent({ account: tenant.subscribers[0]?.oid ?? null });
  expect(await connectAccount(service)).toContain("The account is connected");
}

test.each([
  ["plain", false],
  ["encrypted", true],
] as const)(
  "[R131, R134, R136] with %s notifications Dynamics follows Teams between two polls, after a kill too",
  async (_what, rich) => {
    const tenant = await openTenant();
    const everybody = people(tenant);
    for (const { teams: userId } of everybody) {
      tenant.graph.control.setClient({ userId, availability: "Available" });
    }
    const witness = new Witness(tenant, everybody);
    try {
      await using service = await launch(tenant, { env: environmentOf(tenant, rich) });
      await connect(tenant, service);
      const announced = (count: number): Promise<unknown> =>
        eventually(
          "changes are announced",
          () => service.lines.filter(({ code }) => code === "push-live").length >= count,
        );
      const follows = async (index: number, availability: string, dynamics: string) => {
        const person = everybody[index];
        if (!person) throw new Error("nobody has this number");
        tenant.graph.control.setManual({ userId: person.teams, availability });
        await eventually(
          `${dynamics} shows in Dynamics`,
          () => witness.look(person).dynamics === dynamics,
        );
      };

      await announced(1);
      await follows(0, "Busy", "Busy");
      await follows(1, "DoNotDisturb", "DoNotDisturb");
      await follows(0, "Available", "Available");

      const [before] = tenant.graph.control.subscriptions();
      await service.kill9();
      await service.restart();
      await announced(2);
      await follows(2, "Busy", "Busy");
      const now = tenant.graph.control.subscriptions();
      expect(now.map(({ id }) => id)).toEqual([before?.id]);
      const [account = { oid: "nobody", upn: "nobody", name: "nobody" }] = tenant.subscribers;
      expect(service.printed).toContain(account.oid);
      for (const secret of [account.upn, account.name])
        expect(service.printed).not.toContain(secret);
      await service.stop();
    } finally {
      witness.close();
      await tenant.close();
    }
  },
);
