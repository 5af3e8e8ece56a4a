import { createHmac, randomUUID } from "node:crypto";
import { eventually, type PartnerName, type Stage } from "./stage.ts";

/** One rep as both systems show her at this moment. */
export type Shown = { readonly teams: string; readonly dynamics: string };

type GraphState = { readonly availability: string; readonly activity: string };
type DataverseState = { readonly name: string; readonly loggedIn: boolean };

/** Who acts in the story, by the ids of both systems. */
export type Actor = {
  readonly name: string;
  readonly systemUserId: string;
  readonly objectId: string;
};

const RESTART_MS = 120_000;
const CHOICES: ReadonlySet<string> = new Set(["choose", "setManual", "resetManual", "login"]);

/**
 * Plays the people, through the emulators' own controls, and looks at what the systems show. The service knows
 * nothing of this: it sees a tenant in which people do things.
 */
export class World {
  readonly #stage: Stage;
  #choices = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** How many times somebody chose a status so far, in either system. */
  get choices(): number {
    return this.#choices;
  }

  teams(actor: Actor, action: string, more: object = {}): Promise<unknown> {
    return this.#control(this.#stage.tenant.graphUrl, action, { userId: actor.objectId, ...more });
  }

  dynamics(actor: Actor, action: string, more: object = {}): Promise<unknown> {
    const { dataverseUrl } = this.#stage.tenant;
    return this.#control(dataverseUrl, action, { userId: actor.systemUserId, ...more });
  }

  /** Where Dynamics posts its webhooks. */
  async registerWebhook(): Promise<void> {
    await this.#control(this.#stage.tenant.dataverseUrl, "registerWebhook", {
      url: `${this.#stage.serviceUrl}/webhooks/dataverse`,
      headerName: "x-lockstep-key",
      headerValue: this.#stage.webhookKey,
      mode: "async",
    });
  }

  /** Turns Dynamics' own webhooks off or on, so that the published ones stand alone. */
  async webhooks(on: boolean): Promise<void> {
    await this.#control(this.#stage.tenant.dataverseUrl, "hooks", on ? {} : { dropShare: 1 });
  }

  /** How long after a choice Dynamics' row, which is all that others can read, says so. */
  async rowsFollow(projectionDelayMs: number): Promise<void> {
    await this.#control(this.#stage.tenant.dataverseUrl, "settings", { projectionDelayMs });
  }

  /** Posts a body to the service's Dataverse webhook, byte for byte. */
  async postWebhook(body: Buffer): Promise<number> {
    const response = await this.#post("/webhooks/dataverse", {
      method: "POST",
      headers: { "content-type": "application/json", "x-lockstep-key": this.#stage.webhookKey },
      body: new Uint8Array(body),
    });
    await response.arrayBuffer();
    return response.status;
  }

  /** Sends a partner's event, signed as Standard Webhooks asks. Resolves to the status of the answer. */
  async partner(name: PartnerName, event: object): Promise<number> {
    const body = JSON.stringify(event);
    const id = `msg_${randomUUID()}`;
    const timestamp = Math.floor(Date.now() / 1000);
    const signature = createHmac("sha256", this.#stage.partnerKeys[name])
      .update(`${id}.${timestamp}.${body}`)
      .digest("base64");
    const response = await this.#post("/api/v1/events", {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": String(timestamp),
        "webhook-signature": `v1,${signature}`,
      },
      body,
    });
    await response.arrayBuffer();
    return response.status;
  }

  async shown(actor: Actor): Promise<Shown> {
    const [graph, dataverse] = await Promise.all([
      this.teams(actor, "state") as Promise<GraphState>,
      this.dynamics(actor, "state") as Promise<DataverseState>,
    ]);
    const { availability, activity } = graph;
    return {
      teams: availability === activity ? availability : activity,
      dynamics: dataverse.name,
    };
  }

  /** How many writes both systems have taken so far. */
  async writes(): Promise<number> {
    const { graphUrl, dataverseUrl } = this.#stage.tenant;
    const journals = await Promise.all(
      [graphUrl, dataverseUrl].map((url) => this.#control(url, "writes", {})),
    );
    return journals.reduce<number>((sum, journal) => sum + (journal as unknown[]).length, 0);
  }

  /** A service that is being restarted is tried again, as any sender does, with the same bytes and id. */
  async #post(path: string, request: RequestInit): Promise<Response> {
    const responses: Response[] = [];
    await eventually(async () => {
      responses.push(await fetch(`${this.#stage.serviceUrl}${path}`, request));
      return true;
    }, RESTART_MS);
    const [response] = responses;
    if (!response) throw new Error("the service did not come back");
    return response;
  }

  async #control(url: string, action: string, body: object): Promise<unknown> {
    if (CHOICES.has(action)) this.#choices += 1;
    const response = await fetch(`${url}/control/${action}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${action} answered ${response.status}: ${text}`);
    return text === "" ? {} : JSON.parse(text);
  }
}
