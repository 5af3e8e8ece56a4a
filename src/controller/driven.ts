import type { Connector, SystemError } from "../connectors/connector.ts";
import type { SystemName } from "../presence/identity.ts";
import type { Pace } from "./pace.ts";
import { Reader, type ReaderOptions } from "./reader.ts";

/** What one system needs to be driven. */
export type Driven = {
  readonly connector: Connector;
  readonly pace: Pace;
  /** Where reading has a limit of its own; otherwise reads and writes share `pace`. */
  readonly readPace?: Pace;
  /** Of several controllers, as is then the count of departures. */
  readonly reader?: Reader;
};

type Use = "read" | "write";
type One = { readonly reader: Reader; readonly paces: Readonly<Record<Use, Pace>> };

/** The systems as they are driven: how each is read and at which pace, and what a failure means for those. */
export class Systems {
  readonly #systems: ReadonlyMap<SystemName, One>;
  readonly #onError: (error: SystemError) => void;
  readonly #blamed = new WeakSet<SystemError>();

  constructor(
    driven: readonly Driven[],
    reading: Omit<ReaderOptions, "pace">,
    onError: (error: SystemError) => void,
  ) {
    this.#onError = onError;
    this.#systems = new Map(
      driven.map(({ connector, pace, readPace = pace, reader }) => {
        const own = reader ?? new Reader(connector, { ...reading, pace: readPace });
        return [connector.system, { reader: own, paces: { read: readPace, write: pace } }];
      }),
    );
  }

  readerOf(system: SystemName): Reader {
    return this.#get(system).reader;
  }

  paceOf(system: SystemName, use: Use): Pace {
    return this.#get(system).paces[use];
  }

  /** Obeys and tells of a failure, once for each call that failed, however many reps share it. */
  blame(error: SystemError, use: Use): void {
    if (this.#blamed.has(error)) return;
    this.#blamed.add(error);
    const { retryAfterMs, system } = error;
    if (retryAfterMs !== undefined) this.#systems.get(system)?.paces[use].pause(retryAfterMs);
    this.#onError(error);
  }

  #get(system: SystemName): One {
    const one = this.#systems.get(system);
    if (!one) throw new Error(`nobody drives ${system}`);
    return one;
  }
}
