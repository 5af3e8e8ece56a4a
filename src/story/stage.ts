import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import tls from "node:tls";

/** What the emulated tenant says of itself when it is ready. */
export type TenantCard = {
  readonly entraUrl: string;
  readonly graphUrl: string;
  readonly dataverseUrl: string;
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
};

const PARTNER_NAMES = ["desk-phone", "shift-plan"] as const;
export type PartnerName = (typeof PARTNER_NAMES)[number];

/** Where the published Create payload comes from: a second environment of the same company. */
const SECOND_ORGANIZATION = "c09254de-a911-ef11-9f83-000d3a9d3b76";
/** Where bots are usually served. */
const USUAL_PORT = 3978;
/** Whose members may ask the bot about everybody. */
const MANAGERS_GROUP = "6a7d0f63-6d5c-4c1e-9d53-2b7c5f1e8a10";

/**
 * The processes of the demo: the emulated tenant and the real service, each on its own, talking HTTPS on
 * loopback. Both end when this process does, however it ends, because their standard input closes with it.
 */
export class Stage {
  readonly tenant: TenantCard;
  readonly serviceUrl: string;
  readonly databasePath: string;
  readonly webhookKey: string;
  readonly partnerKeys: Readonly<Record<PartnerName, Buffer>>;
  /** Goes when the stage is closed. */
  readonly folder: string;
  readonly #tenantProcess: ChildProcess;
  readonly #environment: NodeJS.ProcessEnv;
  #service: ChildProcess | null = null;
  #expectedToStop = false;

  private constructor(
    folder: string,
    tenantProcess: ChildProcess,
    tenant: TenantCard,
    port: number,
  ) {
    this.folder = folder;
    this.#tenantProcess = tenantProcess;
    this.tenant = tenant;
    this.serviceUrl = `http://127.0.0.1:${port}`;
    this.databasePath = join(folder, "lockstep.db");
    this.webhookKey = randomBytes(32).toString("base64url");
    this.partnerKeys = { "desk-phone": randomBytes(32), "shift-plan": randomBytes(32) };
    const partners = PARTNER_NAMES.map(
      (name) => `${name}=whsec_${this.partnerKeys[name].toString("base64")}`,
    );
    this.#environment = {
      PATH: process.env.PATH,
      NODE_EXTRA_CA_CERTS: join(folder, "ca.pem"),
      PORT: String(port),
      TENANT_ID: tenant.tenantId,
      CLIENT_ID: tenant.clientId,
      CLIENT_SECRET: tenant.clientSecret,
      AUTHORITY_HOST: tenant.entraUrl,
      GRAPH_URL: tenant.graphUrl,
      DATAVERSE_URL: tenant.dataverseUrl,
      DATAVERSE_WEBHOOK_KEY: this.webhookKey,
      DATAVERSE_ORGANIZATION_IDS: SECOND_ORGANIZATION,
      DATABASE_URL: `sqlite:${this.databasePath}`,
      TEAMS_POLL_SECONDS: "1",
      PARTNERS: partners.join(","),
      LOG_LEVEL: "warn",
      BOT_MANAGERS: `${MANAGERS_GROUP}=*`,
    };
  }

  /**
   * Starts the tenant and the service; resolves when the service has read both systems. `among` others, each with a
   * service of its own, it takes no port that all of them would like.
   */
  static async open({ among }: { readonly among: boolean }): Promise<Stage> {
    const folder = await mkdtemp(join(tmpdir(), "lockstep-demo-"));
    const ca = join(folder, "ca.pem");
    const tenantProcess = spawn(
      process.execPath,
      [
        join(import.meta.dirname, "..", "emulators", "tenant-main.ts"),
        "--ca",
        ca,
        "--projection-delay",
        "30",
      ],
      { stdio: ["pipe", "pipe", "inherit"] },
    );
    const line = await firstLine(tenantProcess);
    tls.setDefaultCACertificates([...tls.getCACertificates(), await readFile(ca, "utf8")]);
    const stage = new Stage(
      folder,
      tenantProcess,
      JSON.parse(line) as TenantCard,
      await freePort(among ? [0] : [USUAL_PORT, 0]),
    );
    await stage.startService();
    return stage;
  }

  /** Makes somebody a manager in Entra: the bot answers her about every rep. */
  async promote(objectId: string): Promise<void> {
    const response = await fetch(`${this.tenant.graphUrl}/control/setGroup`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ groupId: MANAGERS_GROUP, members: [objectId] }),
    });
    if (!response.ok) throw new Error(`the group could not be made: ${response.status}`);
  }

  async startService(): Promise<void> {
    const service = spawn(
      process.execPath,
      [join(import.meta.dirname, "..", "main.ts"), "--until-stdin-closes", "--local"],
      { stdio: ["pipe", "ignore", "inherit"], env: this.#environment },
    );
    this.#service = service;
    service.once("exit", () => {
      if (this.#service !== service || this.#expectedToStop) return;
      process.stdout.write(
        "\n   The service was killed. It is started again on the same store.\n\n",
      );
      this.startService().catch((error: unknown) => {
        if (!this.#expectedToStop) process.stderr.write(`it did not start: ${String(error)}\n`);
      });
    });
    await eventually(async () => (await fetch(`${this.serviceUrl}/readyz`)).ok, 120_000);
  }

  /** kill -9, and a new process on the same store. */
  async killService(): Promise<void> {
    const service = this.#service;
    if (!service) return;
    this.#service = null;
    const gone = new Promise((resolve) => service.once("exit", resolve));
    service.kill("SIGKILL");
    await gone;
    await this.startService();
  }

  async close(): Promise<void> {
    this.#expectedToStop = true;
    const processes = [this.#service, this.#tenantProcess];
    await Promise.all(
      processes.map(async (child) => {
        if (!child || child.exitCode !== null || child.signalCode !== null) return;
        const gone = new Promise((resolve) => child.once("exit", resolve));
        child.kill("SIGTERM");
        await gone;
      }),
    );
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error("the tenant has no standard output");
  for await (const line of createInterface({ input: child.stdout })) return line;
  throw new Error("the emulated tenant ended before it was ready");
}

/** The first of these that nobody has; 0 is any. */
async function freePort(wanted: readonly number[]): Promise<number> {
  for (const port of wanted) {
    const server = createServer();
    const found = await new Promise<number | null>((resolve) => {
      server.once("error", () => resolve(null));
      server.listen(port, "127.0.0.1", () => {
        const address = server.address();
        server.close(() => resolve(typeof address === "object" ? (address?.port ?? null) : null));
      });
    });
    if (found !== null) return found;
  }
  throw new Error("no port is free on loopback");
}

/** Asks again and again until the answer is yes; an error counts as no. Throws after `deadlineMs`. */
export async function eventually(isSo: () => Promise<boolean>, deadlineMs: number): Promise<void> {
  const endsAtMs = Date.now() + deadlineMs;
  for (;;) {
    try {
      if (await isSo()) return;
    } catch {
      // Not yet: whoever is asked may still be starting.
    }
    if (Date.now() > endsAtMs) throw new Error(`nothing happened for ${deadlineMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
