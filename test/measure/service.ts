import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import type { Tenant } from "../../src/emulators/tenant.ts";

const MAIN = join(import.meta.dirname, "../../src/main.ts");

export type Started = {
  readonly url: string;
  readonly lines: Record<string, unknown>[];
  stop(): Promise<void>;
};

/** Starts the real service against a tenant, with nothing in its environment but what it needs and `env`; resolves once it is ready. */
export async function startService(tenant: Tenant, env: Record<string, string>): Promise<Started> {
  const folder = await mkdtemp(join(tmpdir(), "lockstep-measure-"));
  const ca = join(folder, "ca.pem");
  await writeFile(ca, tenant.caPem);
  const child: ChildProcess = spawn(process.execPath, [MAIN, "--until-stdin-closes"], {
    stdio: ["pipe", "pipe", "inherit"],
    env: {
      NODE_EXTRA_CA_CERTS: ca,
      PORT: "0",
      HOST: "127.0.0.1",
      TENANT_ID: tenant.tenantId,
      CLIENT_ID: tenant.clientId,
      CLIENT_SECRET: tenant.clientSecret,
      AUTHORITY_HOST: tenant.entra.url,
      GRAPH_URL: tenant.graph.url,
      DATAVERSE_URL: tenant.dataverse.url,
      DATABASE_URL: `sqlite:${join(folder, "lockstep.db")}`,
      ...env,
    },
  });
  const lines: Record<string, unknown>[] = [];
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on("line", (line) => {
    lines.push(JSON.parse(line) as Record<string, unknown>);
  });
  const listening = await until(() => lines.find(({ msg }) => msg === "listening"));
  const url = `http://127.0.0.1:${String(listening["port"])}`;
  await until(async () => (await fetch(`${url}/readyz`)).ok);
  const stop = async (): Promise<void> => {
    const gone = once(child, "exit");
    child.kill("SIGTERM");
    await gone;
    await rm(folder, { recursive: true });
  };
  return { url, lines, stop };
}

/** Asks every 50 ms until the answer is not falsy. */
export async function until<Found>(ask: () => Found | Promise<Found>): Promise<NonNullable<Found>> {
  for (;;) {
    const found = await ask();
    if (found) return found;
    await sleep(50);
  }
}

export function quantiles(samples: readonly number[]) {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
  return { p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99) };
}
