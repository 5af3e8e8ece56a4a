/**
 * Loaded into every contestant (`node --import`): says what it has used so far when it is asked, and ends with
 * whoever started it. The heap is looked at after a collection, which costs CPU, so that is asked for apart; what
 * is resident before it, garbage that is not collected yet included, as the system shows it.
 */
process.on("message", (asked) => {
  if (asked === "cpu") {
    const { user, system } = process.cpuUsage();
    process.send?.({ cpuMs: (user + system) / 1000 });
  }
  if (asked === "memory") {
    const { rss } = process.memoryUsage();
    globalThis.gc?.();
    globalThis.gc?.();
    process.send?.({ heapBytes: process.memoryUsage().heapUsed, rssBytes: rss });
  }
});
process.on("disconnect", () => process.exit());
process.channel?.unref();
