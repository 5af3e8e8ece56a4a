import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseEnv } from "node:util";
import { AppManifestUtils, type TeamsManifest } from "@microsoft/app-manifest";
import { describe, expect, test } from "vitest";
import { Language, type Node, Parser } from "web-tree-sitter";
import { parse } from "yaml";
import { z } from "zod";
import { languagesFor } from "../src/bot/commands/languages.ts";
import { parse as parseCommand } from "../src/bot/commands/parse.ts";
import { SEARCHES, TYPED } from "../src/bot/extension.ts";
import { type Row, TABLE } from "../src/config-table.ts";

const ROOT = join(import.meta.dirname, "..");
const read = (path: string): Promise<string> => readFile(join(ROOT, path), "utf8");

/** What `provision` would have written. */
const PROVISIONED = {
  TEAMS_APP_ID: "11111111-1111-4111-8111-111111111111",
  BOT_ID: "22222222-2222-4222-8222-222222222222",
  BOT_DOMAIN: "lockstep-dev.azurewebsites.net",
};

/** Replaces `${{NAME}}`; a name that nobody sets fails. */
function expand(text: string, values: Readonly<Record<string, string | undefined>>): string {
  return text.replaceAll(/\$\{\{(\w+)\}\}/g, (_whole, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`nobody sets ${name}`);
    return value;
  });
}

async function manifest(): Promise<TeamsManifest> {
  const values = { ...parseEnv(await read("env/.env.dev")), ...PROVISIONED };
  return JSON.parse(expand(await read("appPackage/manifest.json"), values)) as TeamsManifest;
}

describe("the app package", () => {
  test("has a manifest that its schema takes", async () => {
    expect(await AppManifestUtils.validateAgainstSchema(await manifest())).toEqual([]);
  });

  test("would be refused with a scope that does not exist", async () => {
    const broken = JSON.stringify(await manifest()).replace('"personal"', '"planet"');
    const problems = await AppManifestUtils.validateAgainstSchema(
      JSON.parse(broken) as TeamsManifest,
    );
    expect(problems).not.toEqual([]);
  });

  test("[R210] offers commands that the bot understands, and the search that it answers", async () => {
    const { bots = [], composeExtensions = [] } = await manifest();
    const titles = bots.flatMap(({ commandLists = [] }) =>
      commandLists.flatMap(({ commands }) => commands.map(({ title }) => title)),
    );
    expect(titles.length).toBeGreaterThan(12);
    // What is offered may want a name behind it.
    const [english] = languagesFor("en");
    const isUnderstood = (title: string): boolean =>
      [
        title,
        `${title} Priya`,
        `${title} Priya busy`,
        `${title} Priya is free`,
        `${title} at 8:00`,
      ].some((text) => parseCommand(text, [english]).ok);
    expect(titles.filter((title) => !isUnderstood(title))).toEqual([]);
    const searches = composeExtensions.flatMap(({ commands = [] }) => commands.map(({ id }) => id));
    expect(searches).toEqual(Object.keys(SEARCHES));
    const asked = composeExtensions.flatMap(({ commands = [] }) =>
      commands.flatMap(({ parameters = [] }) => parameters.map(({ name }) => name)),
    );
    expect(new Set(asked)).toEqual(new Set([TYPED]));
  });

  test("[R333] has links to the console shown to the bot, and to nobody else's address", async () => {
    const { composeExtensions = [], validDomains = [] } = await manifest();
    const handlers = composeExtensions.flatMap((extension) =>
      "messageHandlers" in extension ? extension.messageHandlers : [],
    );
    expect(handlers).toEqual([{ type: "link", value: { domains: [PROVISIONED.BOT_DOMAIN] } }]);
    expect(validDomains).toEqual([PROVISIONED.BOT_DOMAIN]);
    expect(await read("infra/azure.bicep")).toContain(
      "PUBLIC_URL: 'https://${app.properties.defaultHostName}'",
    );
  });

  test("[R338] has a tab that shows the console, and asks Entra for a token that the console takes", async () => {
    const manifested: object & Pick<TeamsManifest, "staticTabs"> = await manifest();
    const { staticTabs = [] } = manifested;
    const url = `https://${PROVISIONED.BOT_DOMAIN}/`;
    expect(staticTabs.find(({ entityId }) => entityId === "console")).toMatchObject({
      contentUrl: url,
      scopes: ["personal"],
    });
    expect(manifested).toMatchObject({
      webApplicationInfo: {
        id: PROVISIONED.BOT_ID,
        resource: `api://${PROVISIONED.BOT_DOMAIN}/${PROVISIONED.BOT_ID}`,
      },
    });
  });

  test("has the version of package.json", async () => {
    const { version } = JSON.parse(await read("package.json")) as { version: string };
    expect((await manifest()).version).toBe(version);
  });

  test.each([
    ["color.png", 192],
    ["outline.png", 32],
  ])("has the icon %s of %i by %i pixels, with transparency", async (name, size) => {
    const png = await readFile(join(ROOT, "appPackage", name));
    expect(png.subarray(1, 4).toString()).toBe("PNG");
    const RGBA = 6;
    expect([png.readUInt32BE(16), png.readUInt32BE(20), png[25]]).toEqual([size, size, RGBA]);
  });
});

const step = z.strictObject({
  uses: z.string(),
  name: z.string().optional(),
  with: z.record(z.string(), z.unknown()),
  writeToEnvironmentFile: z.record(z.string(), z.string()).optional(),
});
const project = z.strictObject({
  version: z.literal("v1.12"),
  environmentFolderPath: z.literal("./env"),
  provision: z.array(step),
  deploy: z.array(step),
  publish: z.array(step),
});

describe("teamsapp.yml", () => {
  test("provisions, deploys and publishes in the order that the toolkit needs", async () => {
    const { provision, deploy, publish } = project.parse(parse(await read("teamsapp.yml")));
    expect(provision.map(({ uses }) => uses)).toEqual([
      "teamsApp/create",
      "arm/deploy",
      "teamsApp/zipAppPackage",
      "teamsApp/validateAppPackage",
      "teamsApp/update",
    ]);
    expect(deploy.map(({ uses }) => uses)).toEqual([
      "cli/runNpmCommand",
      "azureAppService/zipDeploy",
    ]);
    expect(publish.at(-1)?.uses).toBe("teamsApp/publishAppPackage");
  });

  test("names files that exist and variables that somebody sets", async () => {
    const text = await read("teamsapp.yml");
    for (const path of text.matchAll(/(?:path|parameters|manifestPath|ignoreFile): (\S+)/g)) {
      expect(await read(path[1] ?? "")).not.toBe("");
    }
    const set = parseEnv(await read("env/.env.dev"));
    const used = [...text.matchAll(/\$\{\{(\w+)\}\}/g)].map(([, name = ""]) => name);
    expect(used.filter((name) => !(name in set))).toEqual([]);
  });

  test("commits no secret", async () => {
    const set = parseEnv(await read("env/.env.dev"));
    expect(Object.keys(set).filter((name) => /SECRET|KEY|PASSWORD/.test(name))).toEqual([]);
    expect(await read(".gitignore")).toContain("env/.env.*.user");
  });

  test("deploys the source that runs, and nothing that only proves it", async () => {
    const ignored = (await read(".webappignore")).split("\n");
    expect(ignored).toContain("src/emulators");
    expect(ignored.filter((line) => /^(src\/?|\*\.ts|node_modules)$/.test(line))).toEqual([]);
  });
});

describe("infra/azure.bicep", () => {
  const broken = (node: Node): string[] =>
    node.children.flatMap((child) =>
      child.isError || child.isMissing
        ? [`line ${child.startPosition.row + 1}: ${child.text.slice(0, 60)}`]
        : broken(child),
    );

  async function parseBicep(text: string): Promise<Node> {
    await Parser.init();
    const grammar = import.meta.resolve("tree-sitter-bicep/tree-sitter-bicep.wasm");
    const parser = new Parser();
    parser.setLanguage(await Language.load(fileURLToPath(grammar)));
    const tree = parser.parse(text);
    if (tree === null) throw new Error("the parser gave up");
    return tree.rootNode;
  }

  test("is Bicep", async () => {
    expect(broken(await parseBicep(await read("infra/azure.bicep")))).toEqual([]);
  });

  test("would be refused with a bracket missing", async () => {
    const text = (await read("infra/azure.bicep")).replace("properties: {", "properties:");
    expect(broken(await parseBicep(text))).not.toEqual([]);
  });

  test("[R220] registers the bot for one tenant, as an identity without a secret, where the service listens", async () => {
    const text = await read("infra/azure.bicep");
    const bot = /resource bot 'Microsoft\.BotService[^]*?\n\}/.exec(text)?.[0] ?? "";
    expect(bot).toContain("msaAppType: usesApp ? 'SingleTenant' : 'UserAssignedMSI'");
    expect(bot).toContain("msaAppId: appId");
    expect(text).toContain("var appId = usesApp ? clientId : identity.properties.clientId");
    expect(bot).toContain("/api/messages'");
    expect(bot).toContain("'MsTeamsChannel'");
    expect(text).toContain("BOT_ID: appId");
  });

  const settingsOf = (text: string): ReadonlyMap<string, string> => {
    const settings = /name: 'appsettings'\s+properties: \{(.*?)\n {4}\}/s.exec(text)?.[1] ?? "";
    const rows = [...settings.matchAll(/^ {6}([A-Z_]+): (.*)$/gm)];
    return new Map(rows.map(([, name = "", value = ""]) => [name, value]));
  };

  test("gives the service every setting that the configuration knows, but for those that would mean nothing there", async () => {
    const names = [...settingsOf(await read("infra/azure.bicep")).keys()];
    const ofTheHost = ["SCM_DO_BUILD_DURING_DEPLOYMENT"];
    expect(names.filter((name) => !(name in TABLE) && !ofTheHost.includes(name))).toEqual([]);
    const leftOut = [
      // It follows from PUBLIC_URL, and MANAGED_IDENTITY from the client id.
      "HOST",
      "MANAGED_IDENTITY",
      // The instances of a plan cannot reach each other past its balancer.
      "INSTANCE_URL",
      // Nobody puts a certificate on the machine.
      "CLIENT_CERTIFICATE_PATH",
      "READER_CLIENT_CERTIFICATE_PATH",
      // The template is for the public cloud.
      "AUTHORITY_HOST",
      "GRAPH_URL",
      "BOT_SERVICE_HOSTS",
      "BOT_METADATA_URL",
      "BOT_TOKEN_ISSUER",
    ];
    expect(
      Object.keys(TABLE)
        .filter((name) => !names.includes(name))
        .toSorted(),
    ).toEqual(leftOut.toSorted());
  });

  test("keeps every secret in the vault, and names none that is not there", async () => {
    const text = await read("infra/azure.bicep");
    const kept = [...text.matchAll(/\{ name: '([a-z-]+)', value: (\w+) \}/g)];
    const secure = [...text.matchAll(/@secure\(\)\n(?:@.*\n)*param (\w+) /g)];
    expect(kept.map(([, , from = ""]) => from).toSorted()).toEqual(
      secure.map(([, name = ""]) => name).toSorted(),
    );
    const names = kept.map(([, name = ""]) => name);
    const used = [...text.matchAll(/\$\{kept\}([a-z-]+)\)/g)].map(([, name = ""]) => name);
    expect(used.toSorted()).toEqual(names.toSorted());
    const rows: readonly (readonly [string, Row])[] = Object.entries(TABLE);
    const plain = [...settingsOf(text)].filter(
      ([name, value]) =>
        rows.some(([row, { secret }]) => row === name && secret) && !value.includes("${kept}"),
    );
    // It names a file on the share, and no password.
    expect(plain.map(([name]) => name)).toEqual(["DATABASE_URL"]);
  });

  test("gets every parameter that has no default", async () => {
    const text = await read("infra/azure.bicep");
    const needed = [...text.matchAll(/^param (\w+) \w+$/gm)].map(([, name = ""]) => name);
    const known = [...text.matchAll(/^param (\w+) /gm)].map(([, name = ""]) => name);
    const given = z
      .object({ parameters: z.record(z.string(), z.object({ value: z.string() })) })
      .parse(JSON.parse(await read("infra/azure.parameters.json")));
    const passed = Object.keys(given.parameters);
    expect(needed.filter((name) => !passed.includes(name))).toEqual([]);
    expect(passed.filter((name) => !known.includes(name))).toEqual([]);
    const set = parseEnv(await read("env/.env.dev"));
    const secret = parseEnv(await read("env/.env.dev.user.example"));
    const used = Object.values(given.parameters).map(({ value }) => value.slice(3, -2));
    expect(used.filter((name) => !(name in set) && !(name in secret))).toEqual([]);
    expect(Object.keys(secret).filter((name) => !used.includes(name))).toEqual([]);
    expect(Object.values(secret).filter((value) => value !== "" && value !== "none")).toEqual([]);
    // The toolkit leaves the placeholder of an empty variable where it is, and refuses to go on.
    const values: Readonly<Record<string, string | undefined>> = { ...set, ...secret };
    for (const [parameter, { value }] of Object.entries(given.parameters)) {
      const name = value.slice(3, -2);
      const expected = needed.includes(parameter) ? "" : "none";
      expect([name, values[name]]).toEqual([name, expected]);
    }
  });

  test("takes none for a setting that is not there", async () => {
    const text = await read("infra/azure.bicep");
    expect(text).toContain("func given(text string) string => text == 'none' ? '' : text");
    const optional = [...text.matchAll(/^param (\w+) string = ''$/gm)].map(([, name = ""]) => name);
    expect(optional.length).toBeGreaterThan(10);
    for (const name of optional) {
      expect([name, text.includes(`given(${name})`)]).toEqual([name, true]);
      const rows = [...settingsOf(text)].filter(([, value]) => value === name);
      expect(rows).toEqual([]);
    }
    expect(text).toContain("if (!empty(given(secret.value)))");
  });

  test("writes into the environment what the toolkit reads from it", async () => {
    const outputs = [...(await read("infra/azure.bicep")).matchAll(/^output (\w+)/gm)];
    const set = parseEnv(await read("env/.env.dev"));
    expect(outputs.length).toBeGreaterThan(2);
    expect(outputs.map(([, name = ""]) => name).filter((name) => !(name in set))).toEqual([]);
  });
});
