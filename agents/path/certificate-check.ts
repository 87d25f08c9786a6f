// Whether clients take the certificate that a server shows: probes take any, to see what is behind it. Pure.
import type { HopFault, ProbeCame } from '../../controlplane/base/hops';

const remedy = 'put another certificate into the Secret that the Ingress names';

/** Undefined: they do, or it is not known. Source: RFC 9525, section 6. @param host of the request; absent: it is none of HTTPS */
export function certificateFault(
  tls: ProbeCame['tls'],
  host: string | undefined,
  now = Date.now(),
): HopFault | undefined {
  if (tls === undefined || host === undefined) return undefined;
  if (!tls.names.some((name) => fits(name.toLowerCase(), host.toLowerCase()))) {
    const names = tls.names.slice(0, 4).join(', ') || 'no name';
    const message = `the certificate is for ${names}, not for ${host}: clients that verify it refuse the connection`;
    return { code: 'CertificateName', message, remedy };
  }
  if (tls.validTo !== undefined && Date.parse(tls.validTo) < now) {
    const message = `the certificate has expired at ${tls.validTo}: clients that verify it refuse the connection`;
    return { code: 'CertificateExpired', message, remedy };
  }
  return undefined;
}

/** A wildcard stands for one label. */
const fits = (name: string, host: string): boolean =>
  name === host || (name.startsWith('*.') && host.includes('.') && host.slice(host.indexOf('.')) === name.slice(1));
