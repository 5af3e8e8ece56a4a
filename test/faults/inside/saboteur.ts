/** What a test loads into the service's own process, before the service: `node --import saboteur.ts src/main.ts`. */
import "./clock.ts";
import "./disk.ts";
import "./failpoints.ts";
import "./patience.ts";
