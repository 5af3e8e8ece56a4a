import type { Host } from "../../src/cli/command.ts";
import { runCli } from "../../src/cli/cli.ts";
import type { Tenant } from "../../src/emulators/tenant.ts";

export type Run = { readonly exit: number; readonly printed: string; readonly said: string };
export type Environment = Readonly<Record<string, string | undefined>>;

/** Runs one command line as a shell would, with nothing of this process's own environment. */
export async function run(
  env: Environment,
  argv: readonly string[],
  host: Partial<Host> = {},
): Promise<Run> {
  const printed: string[] = [];
  const said: string[] = [];
  const exit = await runCli(argv, {
    env,
    nowMs: Date.now,
    print: (text) => printed.push(text),
    say: (text) => said.push(text),
    watched: false,
    signal: new AbortController().signal,
    ...host,
  });
  return { exit, printed: printed.join("\n"), said: said.join("\n") };
}

export const KEY = "first-webhook-key-of-no-value";
/** With every character that XML would trip over. */
export const NEXT_KEY = "next-webhook-key-<of>&no\"value'";

export function environmentOf(tenant: Tenant): Environment {
  return {
    TENANT_ID: tenant.tenantId,
    CLIENT_ID: tenant.clientId,
    CLIENT_SECRET: tenant.clientSecret,
    AUTHORITY_HOST: tenant.entra.url,
    GRAPH_URL: tenant.graph.url,
    DATAVERSE_URL: tenant.dataverse.url,
    DATAVERSE_WEBHOOK_KEY: KEY,
  };
}
