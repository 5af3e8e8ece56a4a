import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { makePeople } from "../../src/emulators/people.ts";
import { run } from "../cli/terminal.ts";
import { openTenant } from "../connectors/bench.ts";
import { eventually, launch } from "./launch.ts";

const BUSY = "efdeb843-c07a-e811-8162-000d3aa11f50";

/** Two processes share one store: the service, and the command that an administrator runs beside it. */
describe("a rep who opts out while the service runs", () => {
  test("[R161] is left alone from then on, and the others are not", async () => {
    const tenant = await openTenant(makePeople(2));
    try {
      for (const { azureObjectId } of tenant.people.users) {
        tenant.graph.control.setClient({ userId: azureObjectId ?? "", availability: "Available" });
      }
      await using service = await launch(tenant);
      const env = {
        TENANT_ID: tenant.tenantId,
        CLIENT_ID: tenant.clientId,
        CLIENT_SECRET: tenant.clientSecret,
        AUTHORITY_HOST: tenant.entra.url,
        GRAPH_URL: tenant.graph.url,
        DATAVERSE_URL: tenant.dataverse.url,
        DATABASE_URL: `sqlite:${service.databasePath}`,
      };
      const [out, other] = tenant.people.users.map(({ systemUserId }) => systemUserId);
      const said = await run(env, ["sync", out ?? "", "out", "--reason", "she asked"]);
      expect(said).toMatchObject({ exit: 0, said: "" });
      // Somebody new appears, so that the directory is looked at before its minute is over.
      const joined = randomUUID();
      tenant.dataverse.control.addUser({
        systemUserId: joined,
        fullname: "Somebody New",
        email: "new@northharbor.example",
        azureObjectId: null,
        roles: ["Omnichannel Agent"],
      });
      const looked = await eventually("the directory follows", () =>
        service.lines.find((line) => line["msg"] === "directory" && line["left"] === 1),
      );
      expect(looked).toMatchObject({ leftOut: { "opted out": 1 } });

      for (const userId of [out ?? "", other ?? ""]) {
        tenant.dataverse.control.choose({ userId, presenceId: BUSY });
      }
      const written = () => new Set(tenant.graph.control.writes({}).map(({ userId }) => userId));
      const [quiet = "", busy = ""] = tenant.people.users.map(
        ({ azureObjectId }) => azureObjectId ?? "",
      );
      await eventually("the other follows", () => written().has(busy));
      expect(written().has(quiet)).toBe(false);
    } finally {
      await tenant.close();
    }
  });
});
