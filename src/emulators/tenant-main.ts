import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { makePeople } from "./people.ts";
import { startTenant } from "./tenant.ts";

/**
 * The emulated tenant as a process of its own. Prints one line of JSON once everything listens, and
 * stays until it is told to stop or whoever started it closes its standard input.
 *
 * `--ca <file>` receives the certificate to trust, `--certificate <file>` the application's credential;
 * `--ports e,g,d` fixes the ports of Entra, Graph and Dataverse; `--people <count>` makes a crowd;
 * `--redirect-uri <uri>` (as often as needed) is where sign-ins may end, `--subscribers <count>` makes
 * accounts to subscribe with; `--signed-in` begins the day; `--projection-delay <ms>` sets how far the table lags.
 */
const { values } = parseArgs({
  options: {
    ca: { type: "string" },
    certificate: { type: "string" },
    ports: { type: "string", default: "0,0,0" },
    people: { type: "string" },
    "redirect-uri": { type: "string", multiple: true, default: [] },
    subscribers: { type: "string" },
    "signed-in": { type: "boolean", default: false },
    "projection-delay": { type: "string" },
  },
});
const [entraPort, graphPort, dataversePort] = values.ports.split(",").map(Number);

const tenant = await startTenant({
  people: values.people === undefined ? undefined : makePeople(Number(values.people)),
  ports: { entra: entraPort, graph: graphPort, dataverse: dataversePort },
  redirectUris: values["redirect-uri"],
  subscriberAccounts: values.subscribers === undefined ? undefined : Number(values.subscribers),
  signedIn: values["signed-in"],
  projectionDelayMs:
    values["projection-delay"] === undefined ? undefined : Number(values["projection-delay"]),
});
if (values.ca !== undefined) await writeFile(values.ca, tenant.caPem);
if (values.certificate !== undefined) {
  await writeFile(values.certificate, tenant.clientCertificatePem, { mode: 0o600 });
}
const { tenantId, clientId, clientSecret, people, subscribers } = tenant;
console.log(
  JSON.stringify({
    entraUrl: tenant.entra.url,
    graphUrl: tenant.graph.url,
    dataverseUrl: tenant.dataverse.url,
    tenantId,
    clientId,
    clientSecret,
    subscribers: subscribers.map(({ upn }) => upn),
    organizationId: people.organizationId,
    people: people.users.length,
  }),
);

let closing: Promise<void> | undefined;
const close = (): void => {
  closing ??= tenant.close().then(() => process.exit(0));
};
process.once("SIGTERM", close);
process.once("SIGINT", close);
process.stdin.once("end", close);
process.stdin.once("close", close);
process.stdin.resume();
