import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { OUT_OF_THE_BOX } from "../../src/connectors/dynamics/presences.ts";
import { refusal } from "../../src/connectors/dynamics/dataverse-error.ts";
import type { Tenant } from "../../src/emulators/tenant.ts";
import { openTenant } from "../connectors/bench.ts";
import { openRows } from "./dataverse-rows.ts";
import { environmentOf, KEY, NEXT_KEY, run, type Environment, type Run } from "./terminal.ts";
import { openWebhookService } from "./webhook-service.ts";

const CUSTOMIZER = ["Omnichannel Supervisor", "System Customizer"];

describe("cli register-webhook", () => {
  let tenant: Tenant;
  let service: Awaited<ReturnType<typeof openWebhookService>>;
  let env: Environment;
  const keys: string[] = [];

  beforeEach(async () => {
    tenant = await openTenant();
    tenant.dataverse.control.setRoles({ appId: tenant.clientId, roles: CUSTOMIZER });
    keys.splice(0, keys.length, KEY);
    service = await openWebhookService(keys);
    env = { ...environmentOf(tenant), PUBLIC_URL: service.url };
  });
  afterEach(async () => {
    await service[Symbol.asyncDispose]();
    await tenant.close();
  });

  const register = (...options: string[]) => run(env, ["register-webhook", ...options]);
  const reps = () => tenant.people.users.map(({ systemUserId }) => systemUserId);
  let turn = 0;
  /** Somebody changes her presence; resolves once Dataverse has told the service. */
  const hearsOfAChange = async (): Promise<void> => {
    turn += 1;
    const userId = reps()[turn % reps().length] ?? "";
    const before = service.arrived.length;
    const presences = [OUT_OF_THE_BOX.Busy, OUT_OF_THE_BOX.Away];
    tenant.dataverse.control.choose({ userId, presenceId: presences[turn % 2] ?? "" });
    await expect.poll(() => service.arrived.slice(before)).toContain(userId);
  };

  test("[R150] shows its plan and changes nothing until it is told to; then there is nothing to do", async () => {
    const shown = await register();
    expect(shown.exit).toBe(1);
    expect(shown.printed).toContain("create the service endpoint");
    expect(shown.printed).toContain("create the async step for Create");
    expect(shown.printed).toContain("create the async step for Update");
    expect(shown.printed).toContain("The service answers there, and takes this key.");
    expect(shown.printed + shown.said).not.toContain(KEY);
    expect((await register()).printed).toBe(shown.printed);

    const applied = await register("--yes");
    expect(applied).toMatchObject({ exit: 0, said: "" });
    await hearsOfAChange();

    expect(await register("--yes")).toMatchObject({
      exit: 0,
      printed: expect.stringContaining("nothing to do"),
    });
    const json = JSON.parse((await register("--json")).printed);
    expect(json).toMatchObject({ changes: [], applied: false, url: service.webhookUrl });
  });

  test("[R152] changes the key without a gap: both live, and Dataverse turns when the service takes the new one", async () => {
    await register("--yes");
    env = { ...env, DATAVERSE_WEBHOOK_KEY_NEXT: NEXT_KEY };
    const early = await register("--rotate", "--yes");
    expect(early).toMatchObject({
      exit: 2,
      said: expect.stringContaining("cli-webhook-not-taken"),
    });
    await hearsOfAChange();

    keys.push(NEXT_KEY);
    const turned = await register("--rotate", "--yes");
    expect(turned.exit).toBe(0);
    expect(turned.printed).toContain("it sends another key");
    expect(turned.printed).toContain("move DATAVERSE_WEBHOOK_KEY_NEXT to DATAVERSE_WEBHOOK_KEY");
    expect((await register("--yes")).printed).toContain("nothing to do");
    expect(turned.printed + turned.said).not.toContain(NEXT_KEY);

    keys.splice(0, keys.length, NEXT_KEY);
    await hearsOfAChange();
    env = { ...env, DATAVERSE_WEBHOOK_KEY: NEXT_KEY, DATAVERSE_WEBHOOK_KEY_NEXT: undefined };
    expect((await register()).printed).toContain("nothing to do");
  });

  test("[R151] repairs what somebody has changed, disabled or deleted", async () => {
    await register("--yes");
    const dataverse = await openRows(tenant);
    const [create = "", update = ""] = await dataverse.steps();
    await dataverse.patch(`sdkmessageprocessingsteps(${create})`, { statecode: 1, statuscode: 2 });
    await dataverse.patch(`sdkmessageprocessingsteps(${update})`, {
      mode: 0,
      filteringattributes: "msdyn_availableunitscapacity",
    });
    const shown = await register();
    expect(shown.printed).toContain("repair the step for Create: it is disabled");
    expect(shown.printed).toContain("repair the step for Update: it is synchronous; its columns");
    await register("--yes");
    await hearsOfAChange();
    await dataverse.remove(`sdkmessageprocessingsteps(${update})`);
    expect((await register("--yes")).printed).toContain("create the async step for Update");
    await hearsOfAChange();
    expect((await register()).printed).toContain("nothing to do");
  });

  test("[R151] takes over an endpoint that was registered by hand", async () => {
    tenant.dataverse.control.registerWebhook({
      url: service.webhookUrl,
      headerName: "x-lockstep-key",
      headerValue: "nobody-knows-which",
      mode: "sync",
    });
    const taken = await register("--yes");
    expect(taken.printed).toContain("nobody knows which key it sends");
    await hearsOfAChange();
    expect((await register()).printed).toContain("nothing to do");
  });

  test("[R153] removes its own and leaves another instance's alone", async () => {
    await register("--yes");
    const other = "http://127.0.0.1:9/webhooks/dataverse";
    await register("--yes", "--url", other);
    const removed = await register("--remove", "--yes");
    expect(removed.printed).toContain(`Another endpoint with our name calls ${other}`);
    expect((await register("--remove")).printed).toContain("nothing to do");
    const rest = await register("--remove", "--url", other);
    expect(rest.exit).toBe(1);
    expect(rest.printed).toContain("delete the service endpoint");
  });

  test("[R154] registers a synchronous step only where the service answers", async () => {
    keys.splice(0, keys.length, "another-key-entirely");
    const refused = await register("--sync", "--yes");
    expect(refused).toMatchObject({
      exit: 2,
      said: expect.stringContaining("cli-webhook-not-taken"),
    });
    expect((await register("--remove")).printed).toContain("nothing to do");
    keys.splice(0, keys.length, KEY);
    const taken = await register("--sync", "--yes");
    expect(taken.exit).toBe(0);
    expect(taken.printed).toContain("are rolled back");
    await hearsOfAChange();
  });

  test("an asynchronous one may be registered first, and says that nobody listens yet", async () => {
    keys.splice(0, keys.length, "another-key-entirely");
    const wrong = await register();
    expect(wrong.printed).toContain("refuses this key");
    await service[Symbol.asyncDispose]();
    const silent = await register("--yes");
    expect(silent.exit).toBe(0);
    expect(silent.printed).toContain("Nothing answers there");
  });

  test("[R150] two that run at once leave two endpoints: the later one says so, and the next repairs it", async () => {
    const firsts: Promise<Run>[] = [];
    const server = createServer((_, response) => {
      // The one that comes to ask us has its plan; now the other makes and carries out the same.
      const isAsked = firsts.length > 0;
      if (!isAsked) firsts.push(register("--yes"));
      void Promise.all(isAsked ? [] : firsts).then(() => {
        response.setHeader("content-type", "application/json");
        response.end('{"result":"ignored"}');
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    env = { ...env, PUBLIC_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
    const second = await register("--yes");
    expect(await Promise.all(firsts)).toMatchObject([{ exit: 0, said: "" }]);
    expect(second).toMatchObject({
      exit: 2,
      said: expect.stringContaining("cli-webhook-unfinished"),
    });
    expect(second.printed).not.toContain("Registered.");
    expect((await register("--yes")).printed).toContain("Registered.");
    expect((await register()).printed).toContain("nothing to do");
  });

  test("a refusal without a code of its own says nothing about presences", () => {
    const refused = { status: 412, retryAfter: null, text: "", nowMs: 0 };
    const { message } = refusal({ ...refused, doing: { kind: "register" } });
    expect(message).toMatch(/^dataverse-rejected \(412\): Run `cli register-webhook` again/);
    const read = refusal({ ...refused, doing: { kind: "read", table: "queue" } });
    expect(read.nextStep).not.toContain("presence");
  });

  test.each([
    ["without a key", { DATAVERSE_WEBHOOK_KEY: undefined }, [], 2, "cli-webhook-key-missing"],
    ["without an address", { PUBLIC_URL: undefined }, [], 2, "cli-webhook-address-missing"],
    ["with half an address", {}, ["--url", "host/path"], 2, "cli-webhook-address-malformed"],
    ["in the clear", {}, ["--url", "http://a.example/"], 2, "cli-webhook-address-malformed"],
    [
      "with a password",
      {},
      ["--url", "https://a:b@a.example/"],
      2,
      "cli-webhook-address-malformed",
    ],
    ["to remove and rotate", {}, ["--remove", "--rotate"], 64, "--remove goes with neither"],
    ["to remove and to make synchronous", {}, ["--remove", "--sync"], 64, "--remove goes with"],
    ["with no next key to rotate to", {}, ["--rotate"], 2, "cli-webhook-next-key-missing"],
    ["with an option it does not have", {}, ["--force"], 64, "--force"],
    ["with a word too many", {}, ["now"], 64, "takes no further words"],
    ["with half a configuration", { TENANT_ID: undefined }, [], 64, "TENANT_ID is missing"],
  ])("refuses to run %s, and says what to do", async (_, change, options, exit, says) => {
    const answer = await run({ ...env, ...change }, ["register-webhook", ...options]);
    expect(answer).toMatchObject({ exit, printed: "", said: expect.stringContaining(says) });
  });

  test("names the role that is missing", async () => {
    tenant.dataverse.control.setRoles({
      appId: tenant.clientId,
      roles: ["Omnichannel Supervisor"],
    });
    const answer = await register("--yes", "--json");
    expect(answer.exit).toBe(2);
    expect(JSON.parse(answer.printed)).toMatchObject({
      error: {
        code: "dataverse-customizer-role-missing",
        nextStep: expect.stringContaining("System Customizer"),
      },
    });
  });
});
