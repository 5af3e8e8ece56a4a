import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { makePeople } from "../../src/emulators/people.ts";
import type { Tenant } from "../../src/emulators/tenant.ts";
import { PAUSE_RECORD } from "../../src/directory/pauses.ts";
import { openSqliteEngine } from "../../src/engine/sqlite/sqlite-engine.ts";
import type { Roster } from "../../src/directory/roster.ts";
import { EXIT } from "../../src/cli/command.ts";
import { openTenant } from "../connectors/bench.ts";
import { environmentOf, type Environment, run } from "./terminal.ts";

const STRANGER = "0e0e0e0e-2222-4222-8333-444444444444";
const TEAM = "00000000-0000-4000-8000-0000000000aa";

describe("who takes part, from the command line", () => {
  let tenant: Tenant;
  let root: string;
  let folder: string;
  let env: Environment;
  let turn = 0;
  const userAt = (index: number) => {
    const user = tenant.people.users[index];
    if (!user) throw new Error("nobody there");
    return user;
  };

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "lockstep-"));
    tenant = await openTenant(makePeople(4));
    tenant.dataverse.control.addUser({
      systemUserId: STRANGER,
      fullname: "Somebody Else",
      email: "else@northharbor.example",
      azureObjectId: null,
      roles: ["Omnichannel Agent"],
    });
  });
  afterAll(async () => {
    await tenant.close();
    await rm(root, { recursive: true });
  });
  beforeEach(async () => {
    folder = join(root, String((turn += 1)));
    env = { ...environmentOf(tenant), DATABASE_URL: `sqlite:${folder}/lockstep.db` };
    await expect.poll(async () => (await roster()).excluded.length).toBe(1);
  });

  const cli = (...argv: string[]) => run(env, argv);
  const roster = async (): Promise<Roster> =>
    JSON.parse((await cli("directory", "--json")).printed) as Roster;
  const taking = async (): Promise<readonly string[]> =>
    (await roster()).matches.map(({ identity }) => identity.systemUserId);
  const file = async (...lines: string[]): Promise<string> => {
    const path = join(root, `reps-${turn}.csv`);
    await writeFile(path, lines.join("\n"));
    return path;
  };

  test.each([
    ["pause", "--all"],
    ["resume", "--all"],
    ["sync", "everybody", "pause"],
  ])(
    "[R113] %s %s refuses a store that no service has made: it would stop nothing",
    async (...argv) => {
      const { exit, said } = await cli(...argv);
      expect(exit).toBe(EXIT.failure);
      expect(said).toMatch(/engine-missing.*DATABASE_URL/s);
      expect(existsSync(join(folder, "lockstep.db"))).toBe(false);
    },
  );

  test("[R158, R160] a file names the account that Dynamics does not know; nothing happens without --yes", async () => {
    const mine = userAt(0);
    const path = await file("\ufeffDynamics;Teams", `else@northharbor.example;${mine.email}`);
    const shown = await cli("import", path);
    expect(shown).toMatchObject({ exit: 1, said: "" });
    expect(shown.printed).toContain(`+ ${STRANGER}: Teams account ${mine.azureObjectId}`);
    expect((await roster()).excluded).toMatchObject([{ user: STRANGER, why: "no Teams account" }]);

    expect(await cli("import", path, "--yes")).toMatchObject({ exit: 0 });
    expect((await roster()).excluded.map(({ user, why }) => [user, why])).toEqual([
      [mine.systemUserId, "shared Entra object id"],
      [STRANGER, "shared Entra object id"],
    ]);
    expect((await cli("import", path)).printed).toContain("0 changes, 1 line as they are");
    const empty = await file("dynamics,teams");
    expect(await cli("import", empty, "--replace", "--yes")).toMatchObject({ exit: 0 });
    expect((await roster()).excluded).toMatchObject([{ user: STRANGER, why: "no Teams account" }]);
  });

  test("[R160] lines that cannot be imported are listed, and keep the others out unless told", async () => {
    const good = `${userAt(1).email},,out,on leave`;
    const path = await file("dynamics,teams,sync,reason", good, "nobody@northharbor.example,,,");
    const refused = await cli("import", path, "--yes");
    expect(refused.exit).toBe(1);
    expect(refused.printed).toContain("! line 3 names no agent of Dynamics");
    expect(refused.printed).toContain("Nothing was imported");
    expect(await taking()).toHaveLength(4);
    const partial = await cli("import", path, "--yes", "--partial");
    expect(partial.printed).toContain("Done.");
    expect((await roster()).excluded).toContainEqual({
      user: userAt(1).systemUserId,
      why: "opted out",
      detail: "on leave",
    });
  });

  test("[R161] only those in a file, if wished", async () => {
    const path = await file("dynamics", userAt(2).email);
    expect((await cli("import", path, "--only", "--yes")).exit).toBe(0);
    expect(await taking()).toEqual([userAt(2).systemUserId]);
    expect((await cli("scope")).printed).toBe("Only those who were opted in take part.");
    expect((await cli("scope", "--everybody")).printed).toBe("Everybody takes part.");
    expect(await taking()).toHaveLength(4);
  });

  test.each([
    ["no heading that we know", ["name", "ana"], "no column dynamics"],
    ["a column that means nothing", ["dynamics,shoe size", "ana,42"], "shoe size"],
    ["a column twice", ["dynamics,Dynamics", "ana,ben"], "twice"],
    ["lines of different length", ["dynamics,teams", "ana"], "more or fewer fields"],
    ["a quote that never ends", ["dynamics", '"ana'], "not closed"],
    ["another word for sync", ["dynamics,sync", "ana,maybe"], "line 2: sync must be"],
    ["somebody out for no reason", ["dynamics,sync", "ana,out"], "needs a reason"],
    ["nobody on a line", ["dynamics,teams", ",x"], "dynamics is empty"],
  ])("[R160] a file with %s is refused whole", async (_what, lines, says) => {
    const answer = await cli("import", await file(...lines), "--yes", "--partial");
    expect(answer).toMatchObject({ exit: 2, printed: "" });
    expect(answer.said).toContain("cli-import-malformed");
    expect(answer.said).toContain(says);
  });

  test("a file that is not there, or is no text, is named as that", async () => {
    expect((await cli("import", join(root, "nowhere.csv"))).said).toContain(
      "cli-import-unreadable: Name a file that is there",
    );
    const path = join(root, "bytes.csv");
    await writeFile(path, Buffer.from([0x64, 0xff, 0xfe]));
    expect((await cli("import", path)).said).toContain(
      "cli-import-unreadable: Save the file in UTF-8",
    );
  });

  test("[R161, R162] one rep is let in, kept out, or rests", async () => {
    const { email, systemUserId } = userAt(3);
    const why = async () =>
      (await roster()).excluded.find(({ user }) => user === systemUserId)?.why ?? "takes part";
    const resting = async () => {
      const engine = await openSqliteEngine({ path: `${folder}/lockstep.db`, readOnly: true });
      const kept = await engine.kept(PAUSE_RECORD);
      await engine.close();
      return kept.map(({ id }) => id);
    };
    expect(await cli("sync", email, "out")).toMatchObject({ exit: 64 });
    expect(await cli("sync", email, "out", "--reason", "asked")).toMatchObject({ exit: 0 });
    expect(await why()).toBe("opted out");
    await cli("sync", systemUserId, "default");
    expect(await why()).toBe("takes part");
    await cli("sync", email, "pause", "--hours", "0.5");
    expect(await resting()).toEqual([systemUserId]);
    await cli("sync", email, "resume");
    await cli("sync", "everybody", "pause");
    expect(await resting()).toEqual(["*"]);
    await cli("sync", "everybody", "resume");
    expect(await resting()).toEqual([]);
    expect((await cli("pause", "--all")).printed).toBe(
      "everybody: pause. The service follows within seconds.",
    );
    await cli("pause", email, "--hours", "1");
    expect((await resting()).toSorted()).toEqual(["*", systemUserId].toSorted());
    await cli("resume", "--all");
    expect(await resting()).toEqual([systemUserId]);
    await cli("resume", email);
    expect(await resting()).toEqual([]);
    for (const words of [
      ["pause"],
      ["pause", email, "--all"],
      ["resume", "--hours", "1", "--all"],
    ]) {
      expect(await cli(...words)).toMatchObject({ exit: 64 });
    }
    expect(await resting()).toEqual([]);
    expect(await cli("sync", "everybody", "out", "--reason", "no")).toMatchObject({ exit: 64 });
    expect((await cli("sync", "nobody", "in")).said).toContain("cli-rep-unknown");
    expect(await cli("sync", email, "pause", "--hours", "forever")).toMatchObject({ exit: 64 });
    expect(await cli("sync", email, "sideways")).toMatchObject({ exit: 64 });
    expect((await cli("sync", ` ${email.toUpperCase()} `, "in")).printed).toContain(systemUserId);
    expect((await cli("sync", "Everybody", "resume")).printed).toContain("everybody: resume");
  });

  test.each([
    [["in", "--hours", "5"], "--hours goes with pause only"],
    [["out", "--hours", "5", "--reason", "ill"], "--hours goes with pause only"],
    [["pause", "--reason", "ill"], "--reason goes with in and out only"],
    [["pause", "--hours", "0"], "above 0"],
    [["out", "--reason", "  "], "Give a --reason"],
    [["out", "--reason", "\u001b[2J"], "control character"],
    [["out", "--reason", "a".repeat(257)], "more than 256"],
  ])("[R161, R162] what %j asks for would not come true, and is refused", async (words, says) => {
    const before = await roster();
    const answer = await cli("sync", userAt(0).email, ...words);
    expect(answer).toMatchObject({ exit: 64, said: expect.stringContaining(says) });
    expect(await roster()).toEqual(before);
  });

  test("[R161] an id that is of no team or queue takes nobody out", async () => {
    for (const option of ["--team", "--queue"]) {
      const answer = await cli("scope", option, userAt(0).systemUserId);
      expect(answer).toMatchObject({ exit: 2, said: expect.stringContaining("cli-group-unknown") });
    }
    expect((await cli("scope")).printed).toBe("Everybody takes part.");
    expect(await taking()).toHaveLength(4);
  });

  test("[R161] members of a team and of a queue take part, by name or id", async () => {
    const [first, second] = [userAt(0).systemUserId, userAt(1).systemUserId];
    tenant.dataverse.control.addTeam({ id: TEAM, name: "Evening", members: [first], roles: [] });
    expect((await cli("scope", "--team", "Evening")).printed).toContain(TEAM);
    expect(await taking()).toEqual([first]);
    await cli("sync", second, "in");
    expect(await taking()).toEqual([first, second]);
    const [queue] = tenant.people.queues;
    await cli("scope", "--queue", queue?.name ?? "", "--team", TEAM);
    expect(await taking()).toHaveLength(4);
    expect((await cli("scope", "--team", "Nobody's")).said).toContain("cli-group-unknown");
    expect(await cli("scope", "--everybody", "--listed")).toMatchObject({ exit: 64 });
  });

  test("without the right to look people up, addresses say which right is missing", async () => {
    const roles = ["Presence.Read.All", "Presence.ReadWrite.All"];
    const { clientId, clientSecret } = tenant;
    const app = { clientId, secrets: [{ value: clientSecret }], certificates: [] };
    tenant.entra.control.putApp({ ...app, roles });
    const answer = await cli("directory");
    expect(answer.exit).toBe(2);
    expect(answer.said).toContain("User.ReadBasic.All");
    tenant.entra.control.putApp({ ...app, roles: [...roles, "User.ReadBasic.All"] });
  });
});

describe("a company of ten thousand", () => {
  test("[R160] is imported, and nothing is left to do; a bar is drawn while somebody watches", async () => {
    const count = 10_000;
    const folder = await mkdtemp(join(tmpdir(), "lockstep-"));
    const tenant = await openTenant(makePeople(count));
    try {
      const env = { ...environmentOf(tenant), DATABASE_URL: `sqlite:${folder}/lockstep.db` };
      const lines = tenant.people.users.map(({ email }) => `${email},,in,pilot`);
      const path = join(folder, "reps.csv");
      await writeFile(path, ["dynamics,teams,sync,reason", ...lines].join("\n"));
      const said: string[] = [];
      const imported = await run(env, ["import", path, "--yes", "--only", "--json"], {
        watched: true,
        say: (text) => said.push(text),
      });
      expect(imported.exit).toBe(0);
      expect(JSON.parse(imported.printed)).toMatchObject({ applied: true, problems: [] });
      expect(said.at(-2)).toContain(`[${"#".repeat(30)}] ${count}/${count}`);
      const again = JSON.parse((await run(env, ["import", path, "--json"])).printed);
      expect(again).toMatchObject({ changes: [], unchanged: count });
    } finally {
      await tenant.close();
      await rm(folder, { recursive: true });
    }
  });
});
