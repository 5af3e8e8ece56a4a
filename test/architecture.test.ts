import { execFile } from "node:child_process";
import { appendFile, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..");

type Finding = {
  readonly code: string;
  readonly filename: string;
  readonly labels: readonly { readonly span: { readonly line: number } }[];
};

/** Runs our linter with our rules over a tree. The linter exits with 1 when it reports something. */
async function lint(directory: string, ...paths: readonly string[]): Promise<Finding[]> {
  const oxlint = join(ROOT, "node_modules/oxlint/bin/oxlint");
  const { promise, resolve } = Promise.withResolvers<string>();
  execFile(
    process.execPath,
    [oxlint, "--format=json", ...paths],
    { cwd: directory, maxBuffer: 1 << 26 },
    (_error, stdout) => resolve(stdout),
  );
  const { diagnostics } = JSON.parse(await promise) as { diagnostics: Finding[] };
  return diagnostics;
}

type Found = { readonly path: string; readonly text: string };

async function filesUnder(folder: string): Promise<Found[]> {
  const entries = await readdir(join(ROOT, folder), { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map(({ parentPath, name }) => relative(ROOT, join(parentPath, name)));
  return Promise.all(
    paths.map(async (path) => ({ path, text: await readFile(join(ROOT, path), "utf8") })),
  );
}

async function foldersUnder(folder: string): Promise<string[]> {
  const entries = await readdir(join(ROOT, folder), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

const IMPORTS = "no-restricted-imports";

/** One line that must be refused, where it would stand, and the rule that refuses it. */
const FORBIDDEN: readonly (readonly [place: string, line: string, rule: string])[] = [
  ["src/presence", 'import "../reconcile/plan.ts";', IMPORTS],
  ["src/presence", 'import type { Plan } from "../reconcile/plan.ts";', IMPORTS],
  ["src/presence", 'import { z } from "zod";', IMPORTS],
  ["src/presence", 'import "node:fs";', IMPORTS],
  ["src/presence", "export const at = Date.now();", "no-restricted-globals"],
  ["src/presence", "export const at = new Date();", "no-restricted-globals"],

  ["src/reconcile", 'import "../controller/controller.ts";', IMPORTS],
  ["src/reconcile", 'import type { Connector } from "../connectors/connector.ts";', IMPORTS],
  ["src/reconcile", 'import type { Engine } from "../engine/engine.ts";', IMPORTS],
  ["src/reconcile", 'import "../policy.ts";', IMPORTS],
  ["src/reconcile", 'import "../folder-to-come/file.ts";', IMPORTS],
  ["src/reconcile", 'import "node:fs";', IMPORTS],
  ["src/reconcile", 'import { z } from "zod";', IMPORTS],
  ["src/reconcile", "export const at = Date.now();", "no-restricted-globals"],
  ["src/reconcile", "export const at = performance.now();", "no-restricted-globals"],
  ["src/reconcile", "export const later = setTimeout;", "no-restricted-globals"],
  ["src/reconcile", "export const env = process.env;", "no-restricted-globals"],
  ["src/reconcile", "export const at = globalThis.Date.now();", "no-restricted-globals"],
  ["src/reconcile", "export const dice = Math.random();", "no-restricted-properties"],
  ["src/reconcile", 'console.log("decided");', "no-console"],

  ["src/replay", 'import "../policy.ts";', IMPORTS],
  ["src/replay", 'import type { Engine } from "../engine/engine.ts";', IMPORTS],
  ["src/replay", 'import { z } from "zod";', IMPORTS],
  ["src/replay", "export const at = Date.now();", "no-restricted-globals"],

  ["src/policy.ts", 'import "node:fs";', IMPORTS],
  ["src/policy.ts", 'import { pino } from "pino";', IMPORTS],
  ["src/policy.ts", 'import { plan } from "./reconcile/plan.ts";', IMPORTS],
  ["src/policy.ts", 'import "./connectors/teams/teams.ts";', IMPORTS],
  ["src/config-kinds.ts", 'import "./policy.ts";', IMPORTS],
  ["src/config-kinds.ts", 'import "./connectors/teams/teams.ts";', IMPORTS],
  ["src/directory", 'import "../connectors/connector.ts";', IMPORTS],
  ["src/directory", 'import "../engine/sqlite/sqlite-engine.ts";', IMPORTS],

  ["src/controller", 'import "../connectors/teams/teams.ts";', IMPORTS],
  ["src/controller", 'import type { Graph } from "../connectors/teams/graph.ts";', IMPORTS],
  ["src/controller", 'import "../connectors/credential.ts";', IMPORTS],
  ["src/controller", 'import "../engine/sqlite/sqlite-engine.ts";', IMPORTS],
  ["src/controller", 'import "../http/route.ts";', IMPORTS],
  ["src/controller", 'import "../directory/directory.ts";', IMPORTS],
  ["src/controller", 'import "../emulators/tenant.ts";', IMPORTS],

  ["src/connectors", 'import "./teams/teams.ts";', IMPORTS],
  ["src/connectors", 'import { plan } from "../reconcile/plan.ts";', IMPORTS],
  ["src/connectors", 'import "../http/route.ts";', IMPORTS],
  ["src/connectors", 'import "../engine/engine.ts";', IMPORTS],
  ["src/connectors/teams", 'import "../dynamics/dynamics.ts";', IMPORTS],
  ["src/connectors/teams", 'import "../partner/inbound.ts";', IMPORTS],
  ["src/connectors/dynamics", 'import type { Graph } from "../teams/graph.ts";', IMPORTS],
  ["src/connectors/partner", 'import "../teams/teams.ts";', IMPORTS],
  ["src/connectors/teams", 'import { plan } from "../../reconcile/plan.ts";', IMPORTS],
  ["src/connectors/teams", 'import { createHttpServer } from "../../http/server.ts";', IMPORTS],
  ["src/connectors/teams", 'import type { Limits } from "../../http/limits.ts";', IMPORTS],
  ["src/connectors/dynamics", 'import { parseJson } from "../../http/json.ts";', IMPORTS],
  ["src/connectors/partner", 'import { newEngine } from "../../engine/engine.ts";', IMPORTS],
  ["src/connectors/partner", 'import type { X } from "../../engine/sqlite/inbox.ts";', IMPORTS],
  ["src/connectors/teams", 'import "../../controller/controller.ts";', IMPORTS],
  ["src/connectors/teams", 'import "../../policy.ts";', IMPORTS],
  ["src/connectors/teams", 'import "../../emulators/tenant.ts";', IMPORTS],

  ["src/api", 'import { parseJson } from "../http/json.ts";', IMPORTS],
  ["src/api", 'import "../controller/controller.ts";', IMPORTS],
  ["src/api", 'import "../engine/sqlite/sqlite-engine.ts";', IMPORTS],
  ["src/api", 'import "../connectors/teams/teams.ts";', IMPORTS],
  ["src/api", 'import "../directory/directory.ts";', IMPORTS],
  ["src/api/feed", 'import { systemClock } from "../../controller/clock.ts";', IMPORTS],
  ["src/api/feed", 'import "../../connectors/dynamics/dynamics.ts";', IMPORTS],
  ["src/api/feed", 'import "../../http/server.ts";', IMPORTS],

  ["integrations/sip-phone", 'import "../../src/presence/status.ts";', IMPORTS],

  ["src/engine", 'import "node:sqlite";', IMPORTS],
  ["src/engine", 'import "./sqlite/sqlite-engine.ts";', IMPORTS],
  ["src/engine", 'import { plan } from "../reconcile/plan.ts";', IMPORTS],
  ["src/engine", 'import { newRep } from "../reconcile/rep.ts";', IMPORTS],
  ["src/engine/rep-text.ts", 'import { plan } from "../reconcile/plan.ts";', IMPORTS],
  ["src/engine", 'import "../controller/controller.ts";', IMPORTS],
  ["src/engine/sqlite", 'import "../postgres/engine.ts";', IMPORTS],
  ["src/engine/postgres", 'import "../sqlite/seal.ts";', IMPORTS],
  ["src/engine/sqlite", 'import { plan } from "../../reconcile/plan.ts";', IMPORTS],
  ["src/engine/sqlite", 'import "../../connectors/connector.ts";', IMPORTS],
  ["src/engine/sqlite", 'import "../../http/route.ts";', IMPORTS],

  ["src/fleet", 'import "../engine/postgres/postgres-engine.ts";', IMPORTS],
  ["src/fleet", 'import "../controller/controller.ts";', IMPORTS],
  ["src/fleet", 'import "../reconcile/plan.ts";', IMPORTS],

  ["src/http", 'import "../connectors/teams/teams.ts";', IMPORTS],
  ["src/http", 'import "../presence/identity.ts";', IMPORTS],
  ["src/http", 'import "../emulators/tenant.ts";', IMPORTS],
  ["src/http", 'import "@microsoft/microsoft-graph-client";', IMPORTS],

  ["src/bot", 'import "../connectors/connector.ts";', IMPORTS],
  ["src/bot", 'import "../controller/controller.ts";', IMPORTS],
  ["src/bot", 'import "../engine/sqlite/sqlite-engine.ts";', IMPORTS],
  ["src/bot", 'import { createHttpServer } from "../http/route.ts";', IMPORTS],
  ["src/bot", 'import "../policy.ts";', IMPORTS],
  ["src/bot/cards", 'import { CardFactory } from "botbuilder";', IMPORTS],
  ["src/bot/cards", 'import type { Activity } from "botbuilder";', IMPORTS],
  ["src/bot/cards", 'import { AdaptiveCard } from "@microsoft/teams.cards";', IMPORTS],
  ["src/bot/cards", 'import "../desk.ts";', IMPORTS],
  ["src/bot/commands", 'import { z } from "zod";', IMPORTS],
  ["src/bot/commands", 'import "../cards/element.ts";', IMPORTS],
  ["src/bot/commands", 'import "../../reconcile/rep.ts";', IMPORTS],

  ["src/console", 'import { Desk } from "../bot/desk.ts";', IMPORTS],
  ["src/console", 'import { Reading } from "../bot/reading.ts";', IMPORTS],
  ["src/console", 'import type { Engine } from "../engine/engine.ts";', IMPORTS],
  ["src/console", 'import { createHttpServer } from "../http/server.ts";', IMPORTS],

  ["src/emulators", 'import "../presence/identity.ts";', IMPORTS],
  ["src/emulators", 'import type { Status } from "../presence/status.ts";', IMPORTS],
  ["src/emulators/graph", 'import "../../presence/identity.ts";', IMPORTS],
  ["src/emulators/subscription", 'import "../../presence/identity.ts";', IMPORTS],
  ["src/emulators/dataverse", 'import "../../connectors/dynamics/dynamics.ts";', IMPORTS],
  ["src/availability", 'import "../connectors/connector.ts";', IMPORTS],
  ["src/availability", 'import type { Route } from "../http/route.ts";', IMPORTS],
  ["src/availability", 'import { z } from "zod";', IMPORTS],
  [
    "src/connectors/dynamics",
    'import { createBoard } from "../../availability/board.ts";',
    IMPORTS,
  ],
  ["src/connectors/dynamics", 'import { rosterOf } from "../../directory/roster.ts";', IMPORTS],
  ["src/connectors/teams", 'import { x } from "../../directory/account.ts";', IMPORTS],
  ["src/cli", 'import "../emulators/tenant.ts";', IMPORTS],
  ["src/cli", 'import "../controller/controller.ts";', IMPORTS],
  ["src/cli", 'import { createHttpServer } from "../http/server.ts";', IMPORTS],
  ["src/cli/webhook", 'import { plan } from "../../reconcile/plan.ts";', IMPORTS],
  ["src/main.ts", 'import "./emulators/tenant.ts";', IMPORTS],
  ["src/main.ts", 'void import("./emulators/tenant.ts");', IMPORTS],
  ["src/main.ts", 'import "./demo.ts";', IMPORTS],
  ["src/main.ts", 'import "./story/stage.ts";', IMPORTS],

  ["src/controller", "export default 1;", "no-default-export"],
  ["src/controller", 'export * from "./clock.ts";', "no-barrel-file"],
  ["src/controller", "export const open: any = 1;", "no-explicit-any"],
  ["src/controller", 'import { type Clock } from "./clock.ts";', "no-import-type-side-effects"],
  ["src/controller", "Promise.resolve(1);", "no-floating-promises"],
  ["src/controller", 'throw "text";', "only-throw-error"],
  ["src/controller", "enum Colour { Red }", "1294"],
  ["src/controller", "export class A { constructor(private a: number) {} }", "1294"],
  ["src/controller", "void 0;\n".repeat(401), "max-lines"],
  [
    "src/controller",
    'export const f = (a: "x" | "y"): number => { switch (a) { case "x": return 1; } return 2; };',
    "switch-exhaustiveness-check",
  ],
];

/** What the boundaries must leave free: a wall that refuses everything proves nothing. */
const ALLOWED: readonly (readonly [place: string, line: string])[] = [
  ["src/reconcile", 'import "../presence/identity.ts";'],
  ["src/reconcile", 'import "./rep.ts";'],
  ["src/policy.ts", 'import { z } from "zod";'],
  ["src/policy.ts", 'import type { Plan } from "./reconcile/plan.ts";'],
  ["src/policy.ts", 'import "./presence/laws.ts";'],
  ["src/config-kinds.ts", 'import "./config-table.ts";'],
  ["src/controller", 'import "../connectors/connector.ts";'],
  ["src/controller", 'import "../engine/engine.ts";'],
  ["src/controller", 'import "../reconcile/plan.ts";'],
  ["src/connectors", 'import type { Plan } from "../reconcile/plan.ts";'],
  ["src/connectors/teams", 'import "../connector.ts";'],
  ["src/connectors/teams", 'import "../entra-token.ts";'],
  ["src/connectors/teams", 'import "./graph.ts";'],
  ["src/connectors/teams", 'import "../../presence/identity.ts";'],
  ["src/connectors/teams", 'import type { Plan } from "../../reconcile/plan.ts";'],
  ["src/connectors/teams", 'import type { Route } from "../../http/route.ts";'],
  ["src/connectors/partner", 'import type { InboxEvent } from "../../engine/engine.ts";'],
  ["src/api", 'import "../connectors/partner/signature.ts";'],
  ["src/api", 'import type { Route } from "../http/route.ts";'],
  ["src/api/feed", 'import type { Engine } from "../../engine/engine.ts";'],
  ["src/api/feed", 'import "../problem.ts";'],
  ["src/engine/sqlite", 'import "../engine.ts";'],
  ["src/engine/postgres", 'import "../refusal.ts";'],
  ["src/engine/sqlite", 'import type { Rep } from "../../reconcile/rep.ts";'],
  ["src/availability", 'import "../presence/identity.ts";'],
  ["src/api", 'import { viewOf } from "../availability/view.ts";'],
  ["src/connectors/dynamics", 'import type { Hours } from "../../availability/hours.ts";'],
  ["src/connectors/teams", 'import type { TeamsAccount } from "../../directory/account.ts";'],
  ["src/cli", 'import "../config.ts";'],
  ["src/cli", 'import "../connectors/dynamics/dataverse.ts";'],
  ["src/fleet", 'import "../engine/engine-error.ts";'],
  ["src/fleet", 'import "../controller/clock.ts";'],
  ["src/http", 'import "./route.ts";'],
  ["src/emulators/graph", 'import "../listener.ts";'],
  ["src/bot", 'import { TeamsAdapter } from "@microsoft/teams-ai";'],
  ["src/bot", 'import { statusOf } from "../reconcile/resolve.ts";'],
  ["src/bot", 'import type { Engine } from "../engine/engine.ts";'],
  ["src/bot", 'import "./cards/element.ts";'],
  ["src/console", 'import { say } from "../bot/commands/words.ts";'],
  ["src/console", 'import type { Reading } from "../bot/reading.ts";'],
  ["src/bot/cards", 'import type { IAdaptiveCard } from "@microsoft/teams.cards";'],
  ["src/bot/cards", 'import { say } from "../commands/words.ts";'],
  ["src/main.ts", 'import "./connectors/teams/teams.ts";'],
  ["src/demo.ts", 'import "./emulators/tenant.ts";'],
];

/** A case of a folder has a file of its own; those of one file share it, each on a line of its own. */
type Case = {
  readonly place: string;
  readonly line: string;
  readonly file: string;
  readonly at: number;
};

function casesOf(
  entries: readonly (readonly [place: string, line: string, ...unknown[]])[],
): Case[] {
  const lines = new Map<string, number>();
  return entries.map(([place, line], index) => {
    const at = (lines.get(place) ?? 0) + 1;
    lines.set(place, at);
    return place.endsWith(".ts")
      ? { place, line, file: place, at }
      : { place, line, file: `${place}/case-${index}.ts`, at: 1 };
  });
}

describe("the linter's boundaries", () => {
  const cases = casesOf([...FORBIDDEN, ...ALLOWED]);
  let stub: string;
  let found: readonly Finding[];

  beforeAll(async () => {
    stub = await mkdtemp(join(tmpdir(), "lockstep-lint-"));
    await symlink(join(ROOT, "node_modules"), join(stub, "node_modules"));
    await cp(join(ROOT, ".oxlintrc.json"), join(stub, ".oxlintrc.json"));
    await cp(join(ROOT, "tsconfig.json"), join(stub, "tsconfig.json"));
    for (const { file, line } of cases) {
      await mkdir(dirname(join(stub, file)), { recursive: true });
      await appendFile(join(stub, file), `${line}\n`);
    }
    found = await lint(stub);
  });
  afterAll(() => rm(stub, { recursive: true, force: true }));

  /** A whole file counts from its first line on, one of several cases in a file its own line only. */
  const codesOf = ({ place, file, at }: Case): string[] =>
    found
      .filter(({ filename }) => filename === file)
      .filter(({ labels }) => file !== place || labels[0]?.span.line === at)
      .map(({ code }) => code);

  test.each(FORBIDDEN.map(([place, line, rule], index) => [place, line, rule, index] as const))(
    "in %s refuse %s (%s)",
    (_place, _line, rule, index) => {
      const codes = codesOf(cases[index] as Case);
      expect(codes.filter((code) => code.includes(rule))).not.toEqual([]);
    },
  );

  test.each(ALLOWED.map(([place, line], index) => [place, line, index] as const))(
    "in %s allow %s",
    (_place, _line, index) => {
      const codes = codesOf(cases[FORBIDDEN.length + index] as Case);
      expect(codes.filter((code) => code.includes(IMPORTS))).toEqual([]);
    },
  );
});

describe("the tree", () => {
  test("what we write is clean under the same rules", async () => {
    expect(await lint(ROOT, "src")).toEqual([]);
  }, 120_000);

  test("no folder is a drawer", async () => {
    const folders = [...(await foldersUnder("src")), ...(await foldersUnder("test"))];
    expect(folders).toContain("reconcile");
    expect(
      folders.filter((name) => /^(utils?|helpers?|common|types?|lib|shared|misc)$/.test(name)),
    ).toEqual([]);
  });

  test("no file is longer than 400 lines", async () => {
    const files = await filesUnder("src");
    expect(files.length).toBeGreaterThan(80);
    const long = files.filter(({ text }) => text.trimEnd().split("\n").length > 400);
    expect(long.map(({ path }) => path)).toEqual([]);
  });

  test("properties have the same cases for everybody", async () => {
    const tests = (await filesUnder("test")).filter(({ text }) =>
      text.includes('from "fast-check"'),
    );
    const random = tests.filter(
      ({ text }) => !/^import ".*\/same-cases\.ts";$|configureGlobal/m.test(text),
    );
    expect(tests.length).toBeGreaterThan(20);
    expect(random.map(({ path }) => path)).toEqual([]);
  });

  test("the SDKs of the bot stay inside src/bot", async () => {
    const names = /from "(botbuilder|botframework-|@microsoft\/teams-ai)/;
    const users = (await filesUnder("src")).filter(({ text }) => names.test(text));
    expect(
      users.filter(({ path }) => !path.startsWith("src/bot/")).map(({ path }) => path),
    ).toEqual([]);
  });

  test("emulators import nothing of ours", async () => {
    const emulators = join(ROOT, "src/emulators");
    const imports = (await filesUnder("src/emulators")).flatMap(({ path, text }) =>
      [...text.matchAll(/(?:from|import\(|import) ?"(\.[^"]+)"/g)].map(([, specifier = ""]) => ({
        path,
        specifier,
        target: join(ROOT, dirname(path), specifier),
      })),
    );
    expect(imports.length).toBeGreaterThan(80);
    expect(imports.filter(({ target }) => !target.startsWith(`${emulators}/`))).toEqual([]);
  });

  test("the lockfile holds what npm ci wants, for every platform", async () => {
    type Entry = { readonly optionalDependencies?: Readonly<Record<string, string>> };
    const lock = JSON.parse(await readFile(join(ROOT, "package-lock.json"), "utf8")) as {
      readonly packages: Readonly<Record<string, Entry>>;
    };
    const wanted = Object.entries(lock.packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).map((name) => ({ path, name })),
    );
    expect(wanted.length).toBeGreaterThan(50);
    const missing = wanted.filter(
      ({ path, name }) =>
        !(`node_modules/${name}` in lock.packages) &&
        !(`${path}/node_modules/${name}` in lock.packages),
    );
    expect(missing).toEqual([]);
  });

  test("every folder of src/ has its paragraph in ARCHITECTURE.md", async () => {
    const text = await readFile(join(ROOT, "ARCHITECTURE.md"), "utf8");
    const entries = await readdir(join(ROOT, "src"), { withFileTypes: true });
    const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    expect(folders).toContain("reconcile");
    const missing = folders.filter(
      (name) => !new RegExp(`^[#*|\\s\`-]*(src/)?${name}/`, "m").test(text),
    );
    expect(missing).toEqual([]);
  });
});

describe("docs/SPEC.md and the tests", () => {
  /** A rule is defined where a line begins with its id in bold. */
  const defined = async (): Promise<Set<string>> => {
    const spec = await readFile(join(ROOT, "docs/SPEC.md"), "utf8");
    const rules = [...spec.matchAll(/^(?:- )?\*\*([RPL]\d+)\b[^*]*\*\*/gm)];
    return new Set(rules.map(([, id = ""]) => id));
  };

  /** A test cites a rule in its title, or in the name of a row of its table: `[R12]` or `[R12, P3]`. */
  const cited = async (): Promise<Map<string, string>> => {
    const places = new Map<string, string>();
    for (const { path, text } of await filesUnder("test")) {
      if (path === relative(ROOT, import.meta.filename)) continue;
      const code = text.replaceAll(/^\s*(\*|\/\/|\/\*).*$/gm, "");
      for (const [citation] of code.matchAll(/\[[RPL]\d+(?:, ?[RPL]\d+)*\]/g)) {
        for (const [id] of citation.matchAll(/[RPL]\d+/g)) places.set(id, path);
      }
    }
    return places;
  };

  test("every rule is cited by a test", async () => {
    const rules = await defined();
    const citations = await cited();
    expect(rules.size).toBeGreaterThan(20);
    expect([...rules].filter((id) => !citations.has(id))).toEqual([]);
  });

  test("no test cites a rule that is not defined", async () => {
    const rules = await defined();
    const citations = await cited();
    expect([...citations].filter(([id]) => !rules.has(id))).toEqual([]);
  });
});
