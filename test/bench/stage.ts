import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Cloud, type Extras, launchLockstep, writeCertificate } from "./cloud.ts";
import { type Contestant, launch } from "./contestant.ts";
import { launchNodeRed } from "./rivals/node-red.ts";
import { CLIENT_ID, CLIENT_SECRET, type FastTenant, TENANT_ID } from "./tenant.ts";

/** Seconds between two looks at everybody: as the service has it by default for Teams, twice as often for Dynamics. */
const POLL_SECONDS = 5;

/** Contestants that run against one fast tenant, and what they need of the disk. Dispose of it, and all are gone. */
export class Stage {
  readonly tenant: FastTenant;
  readonly folder: string;
  readonly #cloud: Cloud;
  readonly #running: Contestant[] = [];

  private constructor(tenant: FastTenant, folder: string, cloud: Cloud) {
    this.tenant = tenant;
    this.folder = folder;
    this.#cloud = cloud;
  }

  static async over(tenant: FastTenant, pollSeconds = POLL_SECONDS): Promise<Stage> {
    const folder = await mkdtemp(join(tmpdir(), "lockstep-bench-"));
    const cloud: Cloud = {
      graphUrl: tenant.url,
      dataverseUrl: tenant.url,
      authorityUrl: tenant.entra.url,
      tenantId: TENANT_ID,
      clientId: CLIENT_ID,
      clientSecret: CLIENT_SECRET,
      caPath: await writeCertificate(folder, tenant.tls.caPem),
      pollSeconds,
      dynamicsPollSeconds: POLL_SECONDS,
    };
    return new Stage(tenant, folder, cloud);
  }

  async lockstep(name: string, extras: Extras = {}): Promise<Contestant> {
    return this.#keep(await launchLockstep(name, this.#cloud, this.folder, extras));
  }

  async nodeRed(name: string): Promise<Contestant> {
    return this.#keep(await launchNodeRed(name, "none", this.#cloud, this.folder));
  }

  /** One of the floors, by the name of its file in `rivals/`. */
  async floor(name: string, file: "bare" | "same-calls" | "answering"): Promise<Contestant> {
    const { caPath, graphUrl } = this.#cloud;
    return this.#keep(
      await launch({
        name,
        program: new URL(`./rivals/${file}.ts`, import.meta.url).pathname,
        env: { NODE_EXTRA_CA_CERTS: caPath, CLOUD_URL: graphUrl },
        urlIn: (printed) => {
          const port = /listening on (\d+)/.exec(printed)?.[1];
          return port === undefined ? null : `http://127.0.0.1:${port}`;
        },
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#running.map((one) => one.stop()));
    await this.tenant.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  #keep(contestant: Contestant): Contestant {
    this.#running.push(contestant);
    return contestant;
  }
}
