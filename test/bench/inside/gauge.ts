/**
 * Loaded into every contestant (`node --import`): says what it has used so far when it is asked, and ends with
 * whoever started it. Memory is looked at after a collection, which costs CPU, so that is asked for apart.
 */
process.on("message", (asked) => {
  if (asked === "cpu") {
    const { user, system } = process.cpuUsage();
    process.send?.({ cpuMs: (user + system) / 1000 });
  }
  if (asked === "memory") {
    globalThis.gc?.();
    globalThis.gc?.();
    const { heapUsed, rss } = process.memoryUsage();
    process.send?.({ heapBytes: heapUsed, rssBytes: rss });
  }
});
process.on("disconnect", () => process.exit());
process.channel?.unref();
