import type { Tenant } from "../../src/emulators/tenant.ts";
import type { Environment } from "./terminal.ts";

/** A tenant that is right, and the means to break it. Filled anew before each test. */
export type Scene = {
  tenant: Tenant;
  /** Throw-away. */
  folder: string;
  env: Environment;
  /** What the running service's webhook takes. */
  readonly keys: string[];
  putApp(change: object): void;
  /** A second registration, that may read presence unless told otherwise. */
  putReader(change: object): void;
  /** Of the application user. */
  setRoles(...roles: string[]): void;
};

/** An application, or a group, that nobody knows. */
export const STRANGER = "0e0e0e0e-1111-4222-8333-444444444444";

/** The settings of the second registration. */
export const READS: Environment = {
  READER_CLIENT_ID: "0d0d0d0d-1111-4222-8333-444444444444",
  READER_CLIENT_SECRET: "the-secret-of-the-reader",
};

/** To whom the one workstream of the company routes. */
export function allowPresences(tenant: Tenant, allowedPresences: number[]): void {
  const { control } = tenant.dataverse;
  const queueId = tenant.people.queues[0]?.id ?? "";
  const { id } = control.workstreamOf({ queueId });
  control.putWorkstream({ id: id ?? "", name: "Harbor chat", queueId, allowedPresences });
}

/** The application user is a supervisor only, and that role has the privilege to such a depth; `null`: not at all. */
export function limitRights(scene: Scene, privilege: string, depth: "Basic" | null): void {
  const role = "Omnichannel Supervisor";
  scene.setRoles(role);
  scene.tenant.dataverse.control.setRolePrivilege({ role, privilege, depth });
}
