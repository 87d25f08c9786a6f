// What a probe is asked to do, what it reports, and the limits of both. Pure.
import { isIP, isIPv6 } from 'node:net';
import { BadRequest } from '../../controlplane/base/errors';

/** Of one probe. A longer wait belongs to the caller, as a second probe. */
export const maxTimeoutMs = 5_000;
/** A larger packet does not fit into IPv4: 65,535 bytes less the headers of IP and ICMP. */
export const maxSizeBytes = 65_507;
/** More than any path of the internet takes in one packet; enough for a question of DNS. */
export const maxPayloadBytes = 8_192;
/** Of a name or a path: what HTTP servers accept in one line. */
const maxTextBytes = 2_048;

export interface ProbeRequest {
  readonly protocol: 'tcp' | 'udp' | 'icmp' | 'http' | 'https';
  /** An IPv4 or IPv6 address, never a name: names would be looked up outside the namespace. */
  readonly address: string;
  /** 1 to 65535. Required, except for icmp, which has none. */
  readonly port?: number;
  /**
   * Bound before the first packet, so that others recognise the probe. A TCP probe with a source port ends by RST and not by
   * FIN: the port is free for the next probe at once. Not for icmp.
   */
  readonly sourcePort?: number;
  /** An address of the namespace, of the same family. */
  readonly sourceAddress?: string;
  /** For the whole probe, 1 to 5000. */
  readonly timeoutMs: number;
  /** udp: the bytes to send. For port 53 a DNS query. Default: a short text that names k8ts. tcp: sent after the handshake; then an answer is waited for. */
  readonly payload?: Buffer;
  /**
   * Bytes, to find a path that loses large packets. icmp: of the payload, with the don't-fragment bit. tcp: of a text that is
   * sent after the handshake and must be acknowledged. http, https: the least size of the request.
   */
  readonly size?: number;
  /** Default: the address and port as the host, and the path /. serverName: for TLS; default: the host, if it is a name. */
  readonly http?: { readonly host: string; readonly path: string; readonly serverName?: string };
}

export interface ProbeResult {
  /**
   * - connected: the TCP handshake succeeded. With `size`: the other side has acknowledged all bytes.
   * - answered: an answer of UDP, ICMP or HTTP came, or one to the payload of TCP.
   * - refused: RST to the SYN, or ICMP port unreachable.
   * - reset: closed by RST after the handshake.
   * - closed: the other side closed without an answer.
   * - unreachable: an ICMP error, no route, a route that refuses, or a packet too large for the path; see `error`.
   * - timeout: nothing came. `connectMs` says whether the handshake succeeded before.
   * - tls: the handshake of TLS failed.
   * - failed: anything else; see `error`.
   */
  readonly outcome:
    | 'connected'
    | 'answered'
    | 'refused'
    | 'reset'
    | 'closed'
    | 'unreachable'
    | 'timeout'
    | 'tls'
    | 'failed';
  /** The duration of the TCP handshake. */
  readonly connectMs?: number;
  readonly totalMs: number;
  /** The kernel's name of the error (ECONNREFUSED), with words after a colon where the name alone does not explain it; or words. */
  readonly error?: string;
  /** udp, icmp: the address that sent the ICMP error. Absent: this kernel found the error itself. */
  readonly reportedBy?: string;
  readonly localAddress?: string;
  readonly localPort?: number;
  readonly http?: { readonly status: number; readonly server?: string; readonly location?: string };
  /** https: the certificate that the server showed. It is not verified: a probe reports, it does not trust. */
  readonly tls?: ShownCertificate;
  /**
   * tcp: the bytes that the server sent within 200 ms after the handshake, at most 64: whether it speaks first. udp, and tcp with a
   * payload: the start of the answer, at most 512 bytes.
   */
  readonly answer?: Buffer;
}

export interface ShownCertificate {
  /** `CN=a, O=b`, in the order of the certificate. */
  readonly subject: string;
  readonly issuer: string;
  /** DNS names and addresses of the certificate, without their kinds. */
  readonly names: readonly string[];
  /** ISO 8601, UTC. */
  readonly validTo: string;
}

/** @throws BadRequest naming the field */
export function checkRequest(request: ProbeRequest): void {
  const { protocol, address, port, sourcePort, sourceAddress, timeoutMs, payload, size, http } = request;
  const isHttp = protocol === 'http' || protocol === 'https';
  // A zone (fe80::1%eth0) names a link, which a probe does not choose.
  check('address', isIP(address) !== 0 && !address.includes('%'), 'an IP address without a zone');
  checkRange('timeoutMs', timeoutMs, 1, maxTimeoutMs);
  if (protocol === 'icmp') {
    check('port', port === undefined, 'absent for icmp');
    check('sourcePort', sourcePort === undefined, 'absent for icmp');
  } else {
    checkRange('port', port, 1, 65_535);
    if (sourcePort !== undefined) checkRange('sourcePort', sourcePort, 1, 65_535);
  }
  if (sourceAddress !== undefined) {
    const same = isIP(sourceAddress) === isIP(address) && !sourceAddress.includes('%');
    check('sourceAddress', same, 'an IP address of the same family');
  }
  if (payload !== undefined) {
    check('payload', protocol === 'udp' || protocol === 'tcp', 'for udp and tcp only');
    check('payload', payload.length <= maxPayloadBytes, `at most ${maxPayloadBytes} bytes`);
  }
  if (size !== undefined) {
    check(
      'size',
      protocol !== 'udp' && payload === undefined,
      'absent with a payload, and for udp, whose payload has a size',
    );
    checkRange('size', size, 0, maxSizeBytes);
  }
  if (http === undefined) return;
  check('http', isHttp, 'for http and https only');
  // Printable ASCII without a blank: nothing in it can end the line of the request.
  check('http.host', isPrintable(http.host), 'a name or an address');
  check(
    'http.path',
    http.path.startsWith('/') && isPrintable(http.path),
    'a path that begins with / and has no blanks',
  );
  if (http.serverName !== undefined) {
    check('http.serverName', isPrintable(http.serverName) && isIP(http.serverName) === 0, 'a name, not an address');
  }
}

function check(field: string, ok: boolean, expected: string): void {
  if (!ok) throw new BadRequest(`${field} of a probe: expected ${expected}`);
}

function checkRange(field: string, value: number | undefined, min: number, max: number): void {
  const ok = Number.isInteger(value) && value! >= min && value! <= max;
  check(field, ok, `a whole number from ${min} to ${max}`);
}

const isPrintable = (text: string): boolean => /^[!-~]+$/.test(text) && text.length <= maxTextBytes;

/** As a URL writes it: [::1]:80. */
export const hostAndPort = ({ address, port }: Pick<ProbeRequest, 'address' | 'port'>): string =>
  `${isIPv6(address) ? `[${address}]` : address}:${port}`;
