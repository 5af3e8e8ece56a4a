import { type Company, type CompanyOptions, openCompany } from "../scenarios/company.ts";
import type { Person } from "../scenarios/witness.ts";
import { eventually } from "../service/launch.ts";
import { Proxy } from "./proxy.ts";

const SYSTEMS = ["entra", "graph", "dataverse"] as const;
type Cables = Readonly<Record<(typeof SYSTEMS)[number], Proxy>>;

/** A company whose service reaches its three systems through cables that a test can spoil. */
export type CabledCompany = Company & { readonly cables: Cables };

export const SABOTEUR = ["--import", new URL("inside/saboteur.ts", import.meta.url).href] as const;

export async function openCabledCompany(options: CompanyOptions = {}): Promise<CabledCompany> {
  const [entra, graph, dataverse] = await Promise.all([
    Proxy.start(0),
    Proxy.start(0),
    Proxy.start(0),
  ]);
  const cables: Cables = { entra, graph, dataverse };
  const closeCables = () => Promise.all(SYSTEMS.map((system) => cables[system].close()));
  let company: Company;
  try {
    company = await openCompany({
      nodeArguments: SABOTEUR,
      ...options,
      env: (tenant) => {
        for (const system of SYSTEMS) cables[system].aim(portOf(tenant[system].url));
        const url = (system: keyof Cables) => `https://localhost:${cables[system].port}`;
        const { env = {} } = options;
        return {
          AUTHORITY_HOST: url("entra"),
          GRAPH_URL: url("graph"),
          DATAVERSE_URL: url("dataverse"),
          ...(typeof env === "function" ? env(tenant) : env),
        };
      },
    });
  } catch (error) {
    await closeCables();
    throw error;
  }
  return {
    ...company,
    cables,
    [Symbol.asyncDispose]: async () => {
      await company[Symbol.asyncDispose]();
      await closeCables();
    },
  };
}

export const portOf = (url: string): number => Number(new URL(url).port);

/** The rep of this number. */
export function repOf({ people }: Pick<Company, "people">, index: number): Person {
  const person = people[index];
  if (!person) throw new Error(`fewer than ${index + 1} people work here`);
  return person;
}

/** Tells the saboteur inside the service something, and waits until it is done. */
export async function order({ service }: Pick<Company, "service">, line: string): Promise<void> {
  const before = service.lines.length;
  service.tell(line);
  await eventually(`the service has done "${line}"`, () =>
    service.lines.slice(before).some(({ msg, order: done }) => msg === "done" && done === line),
  );
}

/** Waits until the service has met it: a line of its log that a test can name. */
export async function comesToSay(
  { service }: Pick<Company, "service">,
  says: (line: Readonly<Record<string, unknown>>) => boolean,
  since = 0,
): Promise<void> {
  await eventually("the service says so in its log", () => service.lines.slice(since).some(says));
}
