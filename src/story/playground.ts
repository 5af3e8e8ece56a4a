import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createRequire } from "node:module";
import { eventually } from "./stage.ts";

/** Somebody who may talk to the bot in the Playground. */
export type Visitor = { readonly name: string; readonly objectId: string; readonly email: string };

export type PlaygroundOptions = {
  /** `http://127.0.0.1:3978/api/messages` */
  readonly endpoint: string;
  readonly tenantId: string;
  /** Who sits in front of it, then the others: it wants five of them, and takes no more. */
  readonly visitors: readonly Visitor[];
  /** Where it keeps its settings and its log. */
  readonly folder: string;
};

const STARTS_WITHIN_MS = 120_000;
const USUAL_PORT = 56_150;
const OTHERS = 5;

/**
 * Microsoft 365 Agents Playground: a Teams client for developers, on this computer and without the network. Its one
 * user is the first visitor.
 */
export class Playground {
  readonly url: string;
  readonly #process: ChildProcess;

  private constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.#process = child;
  }

  static async open(options: PlaygroundOptions): Promise<Playground> {
    const { endpoint, folder } = options;
    const settings = join(folder, "playground.yml");
    const log = join(folder, "playground.log");
    await writeFile(settings, settingsFor(options));
    const port = await freePort();
    const cli = createRequire(import.meta.url).resolve("@microsoft/m365agentsplayground/cli.js");
    const child = spawn(
      process.execPath,
      [cli, "start", "-e", endpoint, "-c", "msteams", "-p", String(port), "--disable-telemetry"],
      {
        cwd: folder,
        stdio: ["pipe", "ignore", "ignore"],
        env: {
          PATH: process.env.PATH,
          HOME: folder,
          TEAMSAPPTESTER_BROWSER: "none",
          M365_AGENTS_PLAYGROUND_LOGFILE: log,
          M365_AGENTS_PLAYGROUND_CONFIG_PATH: settings,
        },
      },
    );
    const playground = new Playground(`http://localhost:${port}/`, child);
    try {
      const isThere = async (): Promise<boolean> => (await fetch(playground.url)).ok;
      await Promise.race([eventually(isThere, STARTS_WITHIN_MS), endOf(child, log)]);
    } catch (error) {
      await playground.close();
      throw error;
    }
    return playground;
  }

  async close(): Promise<void> {
    const child = this.#process;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    await gone;
  }
}

/** Rejects when it ends, with what it wrote last: its reason stands in no other place. */
async function endOf(child: ChildProcess, log: string): Promise<void> {
  await new Promise((resolve) => child.once("exit", resolve));
  const said = await readFile(log, "utf8").catch(() => "");
  throw new Error(`it ended at once: ${said.slice(-500)}`);
}

/** YAML is JSON with more ways to write it. */
function settingsFor({ tenantId, visitors }: PlaygroundOptions): string {
  const [currentUser, ...users] = visitors.map(({ name, objectId, email }, at) => ({
    id: `29:visitor-${at}`,
    name,
    aadObjectId: objectId,
    givenName: name.split(" ")[0] ?? name,
    surname: name.split(" ").slice(1).join(" "),
    email,
    // Spelt as the Playground spells it.
    userPrincipleName: email,
  }));
  const settings = {
    version: "0.1.1",
    tenantId,
    bot: { id: "28:lockstep", name: "Lockstep" },
    currentUser,
    users: users.slice(0, OTHERS),
    personalChat: { id: "personal-chat" },
    groupChat: { id: "group-chat", name: "Team leads" },
    team: {
      id: "team",
      name: "Contact center",
      aadGroupId: "00000000-0000-0000-0000-000000000031",
      channels: [{ id: "channel-floor", name: "Floor" }],
    },
  };
  return JSON.stringify(settings, null, 2);
}

async function freePort(): Promise<number> {
  for (const port of [USUAL_PORT, 0]) {
    const server = createServer();
    const found = await new Promise<number | null>((resolve) => {
      server.once("error", () => resolve(null));
      server.listen(port, () => {
        const address = server.address();
        server.close(() => resolve(typeof address === "object" ? (address?.port ?? null) : null));
      });
    });
    if (found !== null) return found;
  }
  throw new Error("no port is free on loopback");
}
