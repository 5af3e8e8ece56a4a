import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Contestant, launch } from "./contestant.ts";
import { CLIENT_ID, CLIENT_SECRET, type FastTenant, TENANT_ID } from "./tenant.ts";

export const WEBHOOK_KEY = "bench-key-of-no-value";

/** What a contestant may be given beyond its usual environment. */
export type Extras = {
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeArguments?: readonly string[];
  /** Where it keeps its data; a folder of its own unless told. */
  readonly folder?: string;
  /** With the real limits of the cloud. */
  readonly paced?: boolean;
};

/** Contestants that run against one fast tenant, and what they need of the disk. Dispose of it, and all are gone. */
export class Stage {
  readonly tenant: FastTenant;
  readonly folder: string;
  readonly #running: Contestant[] = [];

  private constructor(tenant: FastTenant, folder: string) {
    this.tenant = tenant;
    this.folder = folder;
  }

  static async over(tenant: FastTenant): Promise<Stage> {
    const folder = await mkdtemp(join(tmpdir(), "lockstep-bench-"));
    await writeFile(join(folder, "ca.pem"), tenant.tls.caPem);
    return new Stage(tenant, folder);
  }

  /** The service itself, with its store on the disk, and its usual polls. */
  async lockstep(name = "Lockstep", extras: Extras = {}): Promise<Contestant> {
    const { tenant, folder } = this;
    const unpaced = new URL("./inside/unpaced.ts", import.meta.url).href;
    return this.#keep(
      await launch({
        name,
        program: new URL("../../src/main.ts", import.meta.url).pathname,
        nodeArguments: [
          ...(extras.paced ? [] : ["--import", unpaced]),
          ...(extras.nodeArguments ?? []),
        ],
        env: {
          NODE_EXTRA_CA_CERTS: join(folder, "ca.pem"),
          PORT: "0",
          TENANT_ID,
          CLIENT_ID,
          CLIENT_SECRET,
          AUTHORITY_HOST: tenant.entra.url,
          GRAPH_URL: tenant.url,
          DATAVERSE_URL: tenant.url,
          DATAVERSE_WEBHOOK_KEY: WEBHOOK_KEY,
          DATABASE_URL: `sqlite:${join(extras.folder ?? folder, `${name}.db`)}`,
          ...extras.env,
        },
        urlIn: portLogged,
        isReady: async (url) => (await fetch(`${url}/readyz`)).ok,
      }),
    );
  }

  /** One of the floors, by the name of its file in `rivals/`. */
  async floor(name: string, file: "bare" | "same-calls" | "answering"): Promise<Contestant> {
    return this.#keep(
      await launch({
        name,
        program: new URL(`./rivals/${file}.ts`, import.meta.url).pathname,
        env: { NODE_EXTRA_CA_CERTS: join(this.folder, "ca.pem"), CLOUD_URL: this.tenant.url },
        urlIn: (printed) => {
          const port = /listening on (\d+)/.exec(printed)?.[1];
          return port === undefined ? null : `http://127.0.0.1:${port}`;
        },
      }),
    );
  }

  /** A contestant that somebody else started is ended with the others. */
  keep(contestant: Contestant): Contestant {
    return this.#keep(contestant);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#running.map((one) => one.stop()));
    await rm(this.folder, { recursive: true, force: true });
  }

  #keep(contestant: Contestant): Contestant {
    this.#running.push(contestant);
    return contestant;
  }
}

/** The service says its port in a line of its log. */
export function portLogged(printed: string): string | null {
  const port = /"port":(\d+),"msg":"listening"/.exec(printed)?.[1];
  return port === undefined ? null : `http://127.0.0.1:${port}`;
}
