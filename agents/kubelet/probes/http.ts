// One HTTP request as probes and hooks send it: from the node to the pod, certificates unchecked, few redirects. Answers are read
// as leniently as Go's HTTP client reads them, since a server that works behind Kubernetes must work here.
import http from 'node:http';
import https from 'node:https';
import { requestHeaders } from './http-headers';
import { headOfRejected } from './http-rejected';

export interface HttpProbe {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly scheme: string;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}
export interface ProbeOutcome {
  readonly success: boolean;
  /** Text of the Event for a failure or a warning. */
  readonly output: string;
  /** A success that is reported by an Event. */
  readonly warning?: true;
}

const maxBodyBytes = 10 * 1024;
/** The limit of Go's client; that of Node.js is 16 KiB. */
const maxHeadBytes = 1024 * 1024;
const maxRedirects = 10;
/** Statuses that Go's client follows. */
const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Any answer from 200 to 399 is a success. Never rejects, except with the signal's reason. */
export async function httpProbe(probe: HttpProbe): Promise<ProbeOutcome> {
  const scheme = probe.scheme.toLowerCase();
  const host = probe.host.includes(':') ? `[${probe.host}]` : probe.host;
  const path = probe.path.startsWith('/') ? probe.path : `/${probe.path}`;
  let url = new URL(`${scheme}://${host}:${probe.port}${path}`);
  try {
    // One time-out for the probe with all its redirects.
    const signal = AbortSignal.any([probe.signal, AbortSignal.timeout(probe.timeoutMs)]);
    for (let followed = 0; ; followed++) {
      const { status, location, body } = await request(url, probe, signal);
      const next = redirects.has(status) && location ? new URL(location, url) : undefined;
      if (next && next.hostname !== url.hostname) {
        // This server answered. Another host says nothing about this pod's health (kubernetes/kubernetes#75416).
        return { success: true, warning: true, output: `Probe terminated redirects, Response body: ${body}` };
      }
      if (next && followed + 1 >= maxRedirects) {
        return { success: false, output: `Get "${next.href}": stopped after ${maxRedirects} redirects` };
      }
      if (next) url = next;
      else if (status >= 200 && status < 400) return { success: true, output: body };
      else return { success: false, output: `HTTP probe failed with statuscode: ${status}` };
    }
  } catch (err) {
    probe.signal.throwIfAborted();
    return { success: false, output: `Get "${url.href}": ${describe(err as NodeJS.ErrnoException, probe)}` };
  }
}

function describe(err: NodeJS.ErrnoException, { host, port }: HttpProbe): string {
  if (err.name === 'TimeoutError' || err.name === 'AbortError') {
    return 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)';
  }
  if (err.code === 'ECONNREFUSED') return `dial tcp ${host}:${port}: connect: connection refused`;
  if (err.code === 'EHOSTUNREACH') return `dial tcp ${host}:${port}: connect: no route to host`;
  return err.message;
}

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: string;
}

function request(url: URL, { headers }: HttpProbe, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let answered: { readonly response: http.IncomingMessage; readonly body: () => string } | undefined;
    const finish = () => {
      const { statusCode = 0, headers: received } = answered!.response;
      resolve({ status: statusCode, location: received.location, body: answered!.body() });
      sent.destroy();
    };
    const onResponse = (response: http.IncomingMessage) => {
      const chunks: Buffer[] = [];
      let size = 0;
      answered = { response, body: () => Buffer.concat(chunks).toString('utf8') };
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk.subarray(0, maxBodyBytes - size));
        size += chunk.length;
        if (size >= maxBodyBytes) finish();
      });
      response.on('end', finish);
      response.on('error', reject);
    };
    const options = {
      headers: requestHeaders(url, headers),
      agent: false as const,
      signal,
      // Lines may end in LF alone, as shells and nc write them (kubernetes/kubernetes#89898).
      insecureHTTPParser: true,
      maxHeaderSize: maxHeadBytes,
    };
    const sent =
      url.protocol === 'https:'
        ? https.get(url, { ...options, rejectUnauthorized: false }, onResponse)
        : http.get(url, options, onResponse);
    sent.on('error', (err: NodeJS.ErrnoException & { readonly rawPacket?: Buffer }) => {
      // Bytes after the answer, or errors in its body, do not change the verdict of its head.
      if (answered && err.code?.startsWith('HPE_')) return finish();
      const rejected = answered || !err.rawPacket ? undefined : headOfRejected(err.rawPacket);
      if (rejected) return resolve({ ...rejected, body: '' });
      // An abort's reason shows whether it was the time-out.
      reject(err.name === 'AbortError' && err.cause instanceof Error ? err.cause : err);
    });
  });
}
