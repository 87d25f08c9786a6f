// The probes `http` and `https`: HEAD over a new connection. Redirects are reported, not followed.
import type { Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import type { Netns } from '../netns/netns';
import type { Attempt } from './attempt';
import { describeCertificate } from './certificate';
import { maxHeadBytes, parseHead, renderHead } from './http-text';
import type { ProbeRequest } from './request';
import { connectStream } from './stream';
import { serverNameOf, tlsVerdict } from './tls-words';

/** @throws as openSocket */
export function probeHttp(netns: Netns, request: ProbeRequest, attempt: Attempt): void {
  connectStream(netns, request, attempt, (socket) => askHead(socket, request, attempt));
}

/** @throws as openSocket */
export function probeHttps(netns: Netns, request: ProbeRequest, attempt: Attempt): void {
  connectStream(netns, request, attempt, (socket) => {
    attempt.atTimeout = { outcome: 'timeout', error: 'the TLS handshake did not end' };
    const secure = connect({
      socket,
      ...serverNameOf(request),
      ALPNProtocols: ['http/1.1'],
      // The probe reports the certificate and sends nothing secret.
      rejectUnauthorized: false,
    });
    attempt.onEnd(() => secure.destroy());
    secure.on('error', (err) => {
      const verdict = tlsVerdict(err);
      if (verdict) attempt.finish(verdict.outcome, verdict.error);
      else attempt.fail(err);
    });
    secure.once('secureConnect', () => {
      attempt.atTimeout = { outcome: 'timeout' };
      const certificate = secure.getPeerX509Certificate();
      if (certificate) attempt.facts.tls = describeCertificate(certificate);
      askHead(secure, request, attempt);
    });
  });
}

function askHead(socket: Socket | TLSSocket, request: ProbeRequest, attempt: Attempt): void {
  let bytes = Buffer.alloc(0);
  const read = (ended: boolean) => {
    const head = parseHead(bytes, ended);
    if (head.state === 'foreign') attempt.finish('failed', head.error);
    else if (head.state === 'answered') {
      attempt.facts.http = head.http;
      attempt.finish('answered');
    } else attempt.atTimeout = { outcome: 'timeout', error: 'the HTTP answer did not end' };
  };
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]).subarray(0, maxHeadBytes);
    read(false);
  });
  socket.on('end', () => {
    if (bytes.length === 0) attempt.finish('closed');
    else read(true);
  });
  socket.write(renderHead(request));
}
