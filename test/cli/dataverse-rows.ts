import { createDataverse } from "../../src/connectors/dynamics/dataverse.ts";
import type { Tenant } from "../../src/emulators/tenant.ts";
import { secretCredential } from "../connectors/bench.ts";

/** An administrator who changes rows of the organization with a tool of her own. */
export async function openRows(tenant: Tenant) {
  const dataverse = createDataverse({
    dataverseUrl: tenant.dataverse.url,
    credential: secretCredential(tenant),
    nowMs: Date.now,
  });
  const { signal } = new AbortController();
  const doing = { kind: "register" } as const;
  return {
    /** The steps for Create and Update, in this order. */
    steps: async (): Promise<string[]> => {
      const query = "sdkmessageprocessingsteps?$select=sdkmessageprocessingstepid,name";
      const rows = await dataverse.rows(query, "sdkmessageprocessingstep", signal);
      return rows
        .toSorted((a, b) => String(a["name"]).localeCompare(String(b["name"])))
        .map((row) => String(row["sdkmessageprocessingstepid"]));
    },
    patch: (row: string, body: Readonly<Record<string, unknown>>) =>
      dataverse.update(row, body, doing, signal),
    remove: (row: string) => dataverse.remove(row, doing, signal),
  };
}
