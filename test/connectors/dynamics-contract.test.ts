import { openDynamicsBench } from "./bench.ts";
import { connectorContract } from "./contract.ts";

connectorContract("Dynamics", openDynamicsBench);
