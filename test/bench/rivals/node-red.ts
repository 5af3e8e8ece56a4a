import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import type { Cloud } from "../cloud.ts";
import { type Contestant, launch } from "../contestant.ts";
import { flowOf, type Guard } from "./flow.ts";

/** The rival's version; pinned, so that figures of two runs can be compared. */
const NODE_RED_VERSION = "5.0.7";
const INSTALL_WITHIN_MS = 180_000;

/** Where it is kept between runs: not in this repository, and no dependency of it. */
const cacheFolder = (): string =>
  join(
    process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"),
    "lockstep-bench",
    `node-red-${NODE_RED_VERSION}`,
  );

const programIn = (folder: string): string => join(folder, "node_modules/node-red/red.js");

const isNodeRedHere = (): boolean => existsSync(programIn(cacheFolder()));

/** Installs it with npm unless that was done before. Rejects where there is no registry. */
export async function installNodeRed(): Promise<void> {
  if (isNodeRedHere()) return;
  const folder = cacheFolder();
  await mkdir(folder, { recursive: true });
  const flags = ["--no-audit", "--no-fund", "--omit=dev", "--no-save"];
  const asked = ["install", "--prefix", folder, ...flags, `node-red@${NODE_RED_VERSION}`];
  await promisify(execFile)("npm", asked, { timeout: INSTALL_WITHIN_MS, cwd: folder });
  const manifest = await readFile(join(folder, "node_modules/node-red/package.json"), "utf8");
  const { version } = JSON.parse(manifest) as { readonly version: string };
  if (version !== NODE_RED_VERSION) throw new Error(`npm installed Node-RED ${version}`);
}

/** A Node-RED with one flow, in a folder of its own. Resolves when it has a token and knows the people. */
export async function launchNodeRed(
  name: string,
  guard: Guard,
  cloud: Cloud,
  parent: string,
): Promise<Contestant> {
  const folder = join(parent, `node-red-${guard}`);
  await mkdir(folder, { recursive: true });
  const port = await freePort();
  await writeFile(join(folder, "flows.json"), JSON.stringify(flowOf(guard, cloud)));
  await writeFile(join(folder, "settings.js"), SETTINGS(port));
  await writeFile(join(folder, "package.json"), `{"name":"rival","type":"commonjs"}`);
  return launch({
    name,
    program: programIn(cacheFolder()),
    arguments: ["--userDir", folder, "--settings", join(folder, "settings.js"), "flows.json"],
    env: { NODE_EXTRA_CA_CERTS: cloud.caPath, HOME: folder },
    urlIn: (printed) => (printed.includes("Started flows") ? `http://127.0.0.1:${port}` : null),
    isReady: async (url) => (await fetch(`${url}/ready`)).ok,
  });
}

/** As it comes, without the editor: nobody edits here. */
const SETTINGS = (port: number): string => `module.exports = {
  uiHost: "127.0.0.1",
  uiPort: ${port},
  httpAdminRoot: false,
  credentialSecret: false,
  flowFile: "flows.json",
  telemetry: { enabled: false, updateNotification: false },
  logging: { console: { level: "info", metrics: false, audit: false } },
};
`;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}
