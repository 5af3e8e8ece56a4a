import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Contestant, launch } from "./contestant.ts";

/** Where a contestant finds the two systems, and who it is there. */
export type Cloud = {
  readonly graphUrl: string;
  readonly dataverseUrl: string;
  readonly authorityUrl: string;
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** A file with the certificate that the cloud is trusted by. */
  readonly caPath: string;
  /** Seconds between two looks at everybody in Teams. */
  readonly pollSeconds: number;
  readonly dynamicsPollSeconds: number;
};

/** What the service may be given beyond its usual environment. */
export type Extras = {
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeArguments?: readonly string[];
  /** Under the limits that it keeps to by itself. Without it, as fast as it can. */
  readonly paced?: boolean;
};

export const WEBHOOK_KEY = "bench-key-of-no-value";

/** Writes the certificate into a folder; its path. */
export async function writeCertificate(folder: string, caPem: string): Promise<string> {
  const path = join(folder, "ca.pem");
  await writeFile(path, caPem);
  return path;
}

/** The service itself, with a store in the folder. Resolves when it is ready. */
export async function launchLockstep(
  name: string,
  cloud: Cloud,
  folder: string,
  extras: Extras = {},
): Promise<Contestant> {
  const unpaced = new URL("./inside/unpaced.ts", import.meta.url).href;
  return launch({
    name,
    program: new URL("../../src/main.ts", import.meta.url).pathname,
    nodeArguments: [
      ...(extras.paced ? [] : ["--import", unpaced]),
      ...(extras.nodeArguments ?? []),
    ],
    env: {
      NODE_EXTRA_CA_CERTS: cloud.caPath,
      PORT: "0",
      TENANT_ID: cloud.tenantId,
      CLIENT_ID: cloud.clientId,
      CLIENT_SECRET: cloud.clientSecret,
      AUTHORITY_HOST: cloud.authorityUrl,
      GRAPH_URL: cloud.graphUrl,
      DATAVERSE_URL: cloud.dataverseUrl,
      DATAVERSE_WEBHOOK_KEY: WEBHOOK_KEY,
      DATABASE_URL: `sqlite:${join(folder, "lockstep.db")}`,
      TEAMS_POLL_SECONDS: String(cloud.pollSeconds),
      DYNAMICS_POLL_SECONDS: String(cloud.dynamicsPollSeconds),
      ...extras.env,
    },
    urlIn: (printed) => {
      const port = /"port":(\d+),"msg":"listening"/.exec(printed)?.[1];
      return port === undefined ? null : `http://127.0.0.1:${port}`;
    },
    isReady: async (url) => (await fetch(`${url}/readyz`)).ok,
  });
}
