import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { createLoopbackTls } from "../../src/emulators/tls.ts";

/**
 * The one certificate of every server in this process, trusted as NODE_EXTRA_CA_CERTS would at its start.
 * One, because OpenSSL finds an issuer by its name, and all of these are named localhost.
 */
export const LOOPBACK_TLS = await createLoopbackTls(Date.now());
setDefaultCACertificates([...getCACertificates("default"), LOOPBACK_TLS.caPem]);
