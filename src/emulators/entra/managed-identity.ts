import { randomBytes } from "node:crypto";
import { z } from "zod";
import { listen, type EmulatorRequest, type EmulatorResponse } from "../listener.ts";
import { answerControl, command } from "./command.ts";
import type { Entra } from "./entra.ts";

/** The endpoints from which a workload gets the tokens of its managed identity; plain HTTP, as on the real ones. */
export type ManagedIdentity = {
  /** App Service and Container Apps: `IDENTITY_ENDPOINT`. */
  readonly endpoint: string;
  /** `IDENTITY_HEADER` */
  readonly header: string;
  /** Virtual machines: what stands for http://169.254.169.254, as `AZURE_POD_IDENTITY_AUTHORITY_HOST`. */
  readonly imdsUrl: string;
  readonly control: ReturnType<typeof createControl>;
  close(): Promise<void>;
};

type State = { readonly failures: number[]; requests: number };

const APP_SERVICE_PATH = "/msi/token";
const IMDS_PATH = "/metadata/identity/oauth2/token";

function createControl(state: State) {
  return {
    /** The documents ask for patience with 404, 410, 429 and 5xx. */
    failNext: command(
      z.strictObject({
        status: z.int().min(400).max(599),
        times: z.int().positive().default(1),
      }),
      ({ status, times }) => {
        state.failures.push(...Array.from({ length: times }, () => status));
      },
    ),
    requests: command(z.strictObject({}), () => ({ requests: state.requests })),
  };
}

/**
 * Serves the identity of the app `clientId` as a system-assigned one, after "How to use managed identities
 * for App Service" (2019-08-01) and "How to use managed identities on an Azure VM" (2018-02-01).
 */
export async function startManagedIdentity(options: {
  readonly clientId: string;
  readonly issue: Entra["issueForWorkload"];
  readonly port?: number;
}): Promise<ManagedIdentity> {
  const { clientId, issue } = options;
  const header = randomBytes(16).toString("hex");
  const state: State = { failures: [], requests: 0 };
  const control = createControl(state);

  async function answer(request: EmulatorRequest): Promise<EmulatorResponse> {
    const controlled = await answerControl(control, request);
    if (controlled) return controlled;
    const { pathname, searchParams } = request.url;
    if (request.method !== "GET") return { status: 404 };
    state.requests += 1;
    const failure = state.failures.shift();
    if (failure !== undefined) return refuse(failure, "unknown", "Failed to get a token.");
    const refused = refuseRequest(pathname, request.headers, header);
    if (refused) return refused;
    const resource = searchParams.get("resource");
    if (!resource) {
      return refuse(400, "invalid_request", "Required query variable 'resource' is missing");
    }
    const asked = searchParams.get("client_id") ?? clientId;
    if (asked.toLowerCase() !== clientId.toLowerCase()) {
      return refuse(400, "invalid_request", "Identity not found");
    }
    return issue(clientId, resource);
  }

  const listener = await listen(answer, options.port === undefined ? {} : { port: options.port });
  return {
    endpoint: `${listener.url}${APP_SERVICE_PATH}`,
    header,
    imdsUrl: listener.url,
    control,
    close: () => listener.close(),
  };
}

/** Both flavours refuse whoever may have been tricked into asking: a header that no browser sends is needed. */
function refuseRequest(
  path: string,
  headers: EmulatorRequest["headers"],
  secret: string,
): EmulatorResponse | null {
  if (path === APP_SERVICE_PATH) {
    if (headers["x-identity-header"] === secret) return null;
    // The page names the header and no status for a wrong one.
    return refuse(401, "unauthorized_client", "The X-IDENTITY-HEADER is missing or wrong");
  }
  if (path !== IMDS_PATH) return { status: 404 };
  if (headers.metadata === "true" && headers["x-forwarded-for"] === undefined) return null;
  return refuse(400, "invalid_request", "Required metadata header not specified");
}

function refuse(status: number, error: string, description: string): EmulatorResponse {
  return { status, json: { error, error_description: description } };
}
