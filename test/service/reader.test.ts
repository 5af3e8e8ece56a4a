import { afterAll, beforeAll, expect, test } from "vitest";
import { makePeople } from "../../src/emulators/people.ts";
import { startTenant, type Tenant } from "../../src/emulators/tenant.ts";
import { LOOPBACK_TLS } from "../connectors/loopback.ts";
import { becomeReady, eventually, launch } from "./launch.ts";

const READER = "aaaaaaaa-1111-2222-3333-444444444444";
const SECRET = "the secret of the reader";

let tenant: Tenant;
beforeAll(async () => {
  tenant = await startTenant({ people: makePeople(3), signedIn: true, tls: LOOPBACK_TLS });
  tenant.entra.control.putApp({
    clientId: READER,
    secrets: [{ value: SECRET }],
    certificates: [],
    roles: ["Presence.Read.All"],
  });
});
afterAll(() => tenant.close());

const environment = (secret: string) => ({
  READER_CLIENT_ID: READER,
  READER_CLIENT_SECRET: secret,
});

test("[R140] the app that reads Teams is the reader, and its settings are the ones to mend", async () => {
  await using service = await launch(tenant, { env: environment("wrong"), unready: true });
  const line = await eventually("it says which secret is wrong", () =>
    service.lines.find(({ code }) => code === "entra-secret-wrong"),
  );
  expect(line["msg"]).toContain("READER_CLIENT_SECRET");
  const readiness = async (): Promise<unknown> => (await fetch(`${service.url}/readyz`)).json();
  await expect.poll(readiness).toMatchObject({ ready: false, waitingFor: ["teams"] });
});

test("[R140] with the right secret the service becomes ready", async () => {
  await using service = await launch(tenant, { env: environment(SECRET) });
  await becomeReady(service);
  expect(service.printed).not.toContain(SECRET);
});
