import { openTeamsBench } from "./bench.ts";
import { connectorContract } from "./contract.ts";

connectorContract("Teams", openTeamsBench);
