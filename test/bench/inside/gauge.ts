/** Loaded into every contestant (`node --import`): says what it has used so far when it is asked, and ends with whoever started it. */
type Reading = {
  readonly cpuMs: number;
  readonly heapBytes: number;
  readonly rssBytes: number;
};

const read = (): Reading => {
  const { user, system } = process.cpuUsage();
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  return { cpuMs: (user + system) / 1000, heapBytes: heapUsed, rssBytes: rss };
};

process.on("message", (asked) => {
  if (asked === "gauge") process.send?.(read());
});
process.on("disconnect", () => process.exit());
process.channel?.unref();
