export type Aged<Value> = { readonly value: Value; readonly asOfMs: number };

/**
 * Keeps what one question was answered, for `keptMs`. However many ask meanwhile, one request is under way; nobody who
 * stops waiting stops the others. An error is kept for nobody.
 */
export function keepFresh<Key, Value>(options: {
  readonly keptMs: number;
  readonly nowMs: () => number;
  /** How many answers are kept at most; the oldest go first. */
  readonly limit: number;
  readonly ask: (key: Key) => Promise<Value>;
}): (key: Key) => Promise<Aged<Value>> {
  const { keptMs, nowMs, limit, ask } = options;
  const kept = new Map<Key, Aged<Value>>();
  const flights = new Map<Key, Promise<Aged<Value>>>();

  const fly = async (key: Key): Promise<Aged<Value>> => {
    // Never younger than the truth that it shows.
    const asOfMs = nowMs();
    try {
      const aged = { value: await ask(key), asOfMs };
      kept.delete(key);
      kept.set(key, aged);
      const [oldest] = kept.keys();
      if (kept.size > limit && oldest !== undefined) kept.delete(oldest);
      return aged;
    } finally {
      flights.delete(key);
    }
  };

  return (key) => {
    const known = kept.get(key);
    if (known && nowMs() - known.asOfMs < keptMs) return Promise.resolve(known);
    const flight = flights.get(key) ?? fly(key);
    flights.set(key, flight);
    return flight;
  };
}
