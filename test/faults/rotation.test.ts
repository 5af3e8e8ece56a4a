import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { type Company, openCompany } from "../scenarios/company.ts";
import { sceneIn } from "../scenarios/scene.ts";
import { eventually, temporaryFolder, WEBHOOK_KEY } from "../service/launch.ts";
import { PARTNER_SECRET, sendEvent } from "../service/partner.ts";
import { repOf } from "./cabled-company.ts";
import { sendHint } from "./hint.ts";

const NEXT_KEY = "the-next-webhook-key-of-no-value";
const NEXT_SECRET = `whsec_${Buffer.from("the desk phone's next secret, of no value").toString("base64")}`;
const NEXT_CLIENT_SECRET = "the-next-client-secret-of-no-value";

/** What the other sides use at the moment. They change over at their leisure, some earlier and some later. */
type Keys = { webhook: string; secret: string };

/** Sends webhooks and events without a pause, each again until it is answered; counts what was refused. */
function load(company: Company, keys: () => readonly Keys[]) {
  let over = false;
  const answers = new Map<number, number>();
  const once = async (send: () => Promise<number>): Promise<void> => {
    await eventually("it is answered", async () => {
      // While the process changes over, nobody is there: that is no refusal.
      const status = await send().catch(() => 0);
      if (status > 0) answers.set(status, (answers.get(status) ?? 0) + 1);
      return status > 0;
    });
  };
  const senders = [0, 1, 2, 3].map(async (which) => {
    for (let turn = 0; !over; turn += 1) {
      const inUse = keys();
      const { webhook, secret } = inUse[(turn + which) % inUse.length] ?? {
        webhook: "",
        secret: "",
      };
      const person = repOf(company, 1 + ((turn + which) % (company.people.length - 1)));
      const event = { type: "hold.renewed", rep: person.dynamics, hold: "none" } as const;
      const id = randomUUID();
      await once(() => sendHint(company.service, person, webhook));
      await once(() =>
        sendEvent(company.service, event, { id, secret }).then(({ status }) => status),
      );
      await sleep(20);
    }
  });
  return async () => {
    over = true;
    await Promise.all(senders);
    return answers;
  };
}

test("[R76] [P8] F35 every key and secret is replaced under load, and nobody is refused", async () => {
  await using folder = await temporaryFolder();
  await using company = await openCompany({ reps: 8 });
  const { service, tenant } = company;
  const rep = sceneIn(company);
  const [old, next] = [
    { webhook: WEBHOOK_KEY, secret: PARTNER_SECRET },
    { webhook: NEXT_KEY, secret: NEXT_SECRET },
  ];
  let inUse: readonly Keys[] = [old];
  const finish = load(company, () => inUse);
  const inStep = async (): Promise<void> => {
    rep.calls();
    await rep.shows("InACall", "Busy");
    rep.hangsUp();
    await rep.shows("Available", "Available");
  };
  const changeOver = async (...changes: Parameters<typeof service.restart>): Promise<void> => {
    await service.stop();
    await service.restart(...changes);
    await inStep();
  };
  const app = {
    clientId: tenant.clientId,
    roles: ["Presence.Read.All", "Presence.ReadWrite.All", "User.ReadBasic.All"],
  };
  const ofSecrets = (...values: string[]) => values.map((value) => ({ value }));
  await inStep();

  // Both are taken before the first sender changes, and the old one is refused after the last has.
  await changeOver({
    DATAVERSE_WEBHOOK_KEY_NEXT: NEXT_KEY,
    PARTNERS: `phone=${PARTNER_SECRET}|${NEXT_SECRET}`,
  });
  inUse = [old, next];
  tenant.entra.control.putApp({
    ...app,
    secrets: ofSecrets(tenant.clientSecret, NEXT_CLIENT_SECRET),
    certificates: [],
  });
  await inStep();
  inUse = [next];
  await inStep();
  await changeOver({
    DATAVERSE_WEBHOOK_KEY: NEXT_KEY,
    DATAVERSE_WEBHOOK_KEY_NEXT: null,
    PARTNERS: `phone=${NEXT_SECRET}`,
    CLIENT_SECRET: NEXT_CLIENT_SECRET,
  });
  tenant.entra.control.putApp({ ...app, secrets: ofSecrets(NEXT_CLIENT_SECRET), certificates: [] });
  await tenant.entra.control.rotateSigningKey({ retireOld: true });
  await inStep();

  // From the secret to a certificate, and from one certificate file to the next.
  const certificatePath = join(folder.path, "app.pem");
  await writeFile(certificatePath, tenant.clientCertificatePem, { mode: 0o600 });
  const [certificate = ""] = tenant.clientCertificatePem.split(/(?<=-----END CERTIFICATE-----)/);
  tenant.entra.control.putApp({ ...app, secrets: [], certificates: [certificate] });
  await changeOver({ CLIENT_SECRET: null, CLIENT_CERTIFICATE_PATH: certificatePath });
  await tenant.entra.control.rotateSigningKey({ retireOld: true });
  await inStep();

  const answers = await finish();
  expect([...answers.keys()].toSorted((a, b) => a - b)).toEqual([200, 202]);
  expect(answers.get(202)).toBeGreaterThan(20);
  // The old ones are worth nothing any more.
  expect(await sendHint(service, repOf(company, 1), WEBHOOK_KEY)).toBe(401);
  const event = { type: "hold.ended", rep: repOf(company, 1).dynamics, hold: "none" } as const;
  expect((await sendEvent(service, event)).status).toBe(401);
  await service.stop();
  expect(service.errors).toBe("");
});
