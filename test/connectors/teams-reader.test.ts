import { expect, onTestFinished, test } from "vitest";
import { createCredential } from "../../src/connectors/credential.ts";
import { createTeamsConnector } from "../../src/connectors/teams/teams.ts";
import { DEFAULT_TEAMS_MAPPING } from "../../src/presence/mapping.ts";
import { identitiesOf, openTenant, secretCredential } from "./bench.ts";
import { aWrite, failureOf, patience } from "./contract.ts";

const READER = { clientId: "aaaaaaaa-1111-2222-3333-444444444444", secret: "the reader's secret" };

/** An app that may only read, beside the one that writes, which may only write. */
async function open(clientSecret: string) {
  const tenant = await openTenant();
  onTestFinished(() => tenant.close());
  const { entra, clientId } = tenant;
  const app = (id: string, secret: string, role: string) =>
    entra.control.putApp({
      clientId: id,
      secrets: [{ value: secret }],
      certificates: [],
      roles: [role],
    });
  app(READER.clientId, READER.secret, "Presence.Read.All");
  app(clientId, tenant.clientSecret, "Presence.ReadWrite.All");
  const connector = createTeamsConnector({
    graphUrl: tenant.graph.url,
    clientId,
    credential: secretCredential(tenant),
    readerCredential: createCredential({
      tenantId: tenant.tenantId,
      clientId: READER.clientId,
      clientSecret,
      authorityHost: entra.url,
      settingsPrefix: "READER_",
      nowMs: Date.now,
    }),
    mapping: DEFAULT_TEAMS_MAPPING,
    nowMs: Date.now,
  });
  return { connector, tenant, reps: identitiesOf(tenant) };
}

test("[R140] one app registration reads and another writes", async () => {
  const { connector, tenant, reps } = await open(READER.secret);
  const [rep] = reps;
  if (!rep) throw new Error("nobody works here");
  expect((await connector.read(reps, patience())).size).toBe(reps.length);
  await connector.write(rep, aWrite(connector, "Busy"), patience());
  // The reader's right would not have been enough for this, and its failure not for that.
  expect(tenant.graph.control.writes()).toMatchObject([{ userId: rep.teamsUserId }]);
});

test("[R140] a reader that cannot sign in is named by its own setting, and writing goes on", async () => {
  const { connector, reps } = await open("wrong");
  const [rep] = reps;
  if (!rep) throw new Error("nobody works here");
  const error = await failureOf(connector.read(reps, patience()));
  expect(error).toMatchObject({ code: "entra-secret-wrong" });
  expect(error.nextStep).toContain("READER_CLIENT_SECRET");
  await connector.write(rep, aWrite(connector, "Busy"), patience());
});
