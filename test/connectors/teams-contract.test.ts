import { openTeamsBench, openTeamsBenchInCompany } from "./bench.ts";
import { connectorContract } from "./contract.ts";

connectorContract("Teams", openTeamsBench);
connectorContract("Teams, where writes share calls", openTeamsBenchInCompany);
