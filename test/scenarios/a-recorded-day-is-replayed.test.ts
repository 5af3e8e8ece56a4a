import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { environmentOf, run } from "../cli/terminal.ts";
import { PostgresServer } from "../engine/postgres-server.ts";
import { derivedGuid } from "../../src/emulators/dataverse/roster.ts";
import type { Endpoint } from "../../src/reconcile/rep.ts";
import { openStore } from "../../src/store.ts";
import { eventually } from "../service/launch.ts";
import { type Company, openCompany } from "./company.ts";
import type { Class } from "./meaning.ts";
import { sceneIn } from "./scene.ts";

const LUNCH = derivedGuid("presence lunch");

type Store = Parameters<typeof openStore>[0];
type Replayed = {
  readonly together: {
    readonly trust: { readonly decisions: number; readonly reproduced: number };
    readonly otherwiseSeconds: Readonly<Record<string, number>>;
  };
  readonly reps: readonly {
    readonly rep: string;
    readonly moments: readonly {
      readonly system: string;
      readonly inForce: string;
      readonly other: string;
    }[];
  }[];
};

let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start(["fsync = off"]);
});
afterAll(() => server.dispose());

const addressOf = (store: Store): string =>
  store.kind === "sqlite" ? `sqlite:${store.path}` : store.url;

/** The service has seen all that it wrote: what happens next does not overtake that, as nothing does in a replay. */
async function hasSeenItAll(store: Store): Promise<boolean> {
  const engine = await openStore(store, { readOnly: true });
  const documents = await engine.load();
  await engine.close();
  return documents.every(({ rep: { intent, systems } }) =>
    Object.values<Endpoint>(systems).every(({ pending, tried }) => !pending && tried === intent),
  );
}

async function shown(company: Company, store: Store, teams: Class, dynamics: string) {
  await sceneIn(company).shows(teams, dynamics);
  await eventually("the service has seen that, too", () => hasSeenItAll(store));
}

async function callOverLunch(company: Company, store: Store, hold: string): Promise<void> {
  const rep = sceneIn(company);
  await rep.reported({ type: "hold.started", hold, status: "InACall" });
  await shown(company, store, "InACall", "Busy");
  await rep.reported({ type: "hold.ended", hold });
  await shown(company, store, "Away", LUNCH);
}

/** With the service's own store, which it goes on writing. */
async function replay({ service, tenant }: Company, store: Store, policy: unknown) {
  const path = join(dirname(service.databasePath), "another-policy.json");
  await writeFile(path, JSON.stringify(policy));
  const env = { ...environmentOf(tenant), DATABASE_URL: addressOf(store) };
  const { printed, said } = await run(env, ["policy", "replay", path, "--json"]);
  expect(said).toBe("");
  return JSON.parse(printed) as Replayed;
}

/** As it was through the policy in force, and `calls` times otherwise through one that shows calls otherwise. */
async function expectReplayed(company: Company, store: Store, calls: number): Promise<void> {
  const same = await replay(company, store, {});
  expect(same.reps).toEqual([]);
  expect(same.together.trust.decisions).toBeGreaterThan(2 * calls);
  expect(same.together.trust.reproduced).toBe(same.together.trust.decisions);
  const policy = { dynamics: { writes: { InACall: "Busy - DND" } } };
  const otherwise = await replay(company, store, policy);
  const moment = { system: "dynamics", inForce: "Busy", other: "Busy - DND" };
  expect(otherwise.reps.map(({ moments }) => moments)).toMatchObject([
    Array.from({ length: calls }, () => moment),
  ]);
  expect(otherwise.together.otherwiseSeconds["teams"]).toBe(0);
}

test("[R377, R378, R379] calls over Lunch, replayed beside the service, come out as they did, and otherwise under another policy, in either store", async () => {
  await using company = await openCompany({ reps: 3 });
  const { service } = company;
  const rep = sceneIn(company);
  rep.inDynamics(LUNCH);
  const file: Store = { kind: "sqlite", path: service.databasePath };
  await shown(company, file, "Away", LUNCH);
  await callOverLunch(company, file, "call-7");
  await expectReplayed(company, file, 1);

  await service.stop();
  const database: Store = { kind: "postgres", url: server.url() };
  const moved = await run({}, ["migrate", addressOf(file), addressOf(database), "--yes"]);
  expect(moved.exit).toBe(0);
  await service.restart({ DATABASE_URL: addressOf(database) });
  await expectReplayed(company, database, 1);
  await callOverLunch(company, database, "call-8");
  await expectReplayed(company, database, 2);
  await service.stop();
});
