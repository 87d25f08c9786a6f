// One HTTP request as probes and hooks send it: from the node to the pod, certificates unchecked, few redirects.
import http from 'node:http';
import https from 'node:https';

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
  /** What the Event says about a failure. */
  readonly output: string;
}

const maxBodyBytes = 10 * 1024;
const maxRedirects = 10;

/** Any answer from 200 to 399 is a success. Never rejects, except with the signal's reason. */
export async function httpProbe(probe: HttpProbe): Promise<ProbeOutcome> {
  const scheme = probe.scheme.toLowerCase();
  const host = probe.host.includes(':') ? `[${probe.host}]` : probe.host;
  const path = probe.path.startsWith('/') ? probe.path : `/${probe.path}`;
  let url = new URL(`${scheme}://${host}:${probe.port}${path}`);
  const first = url.href;
  try {
    for (let redirects = 0; ; redirects++) {
      const { status, location, body } = await request(url, probe);
      const next = status >= 300 && status < 400 && location ? new URL(location, url) : undefined;
      // A redirect to another host says that this one works.
      if (next && next.hostname === url.hostname && redirects < maxRedirects) {
        url = next;
        continue;
      }
      if (status >= 200 && status < 400) return { success: true, output: body };
      return { success: false, output: `HTTP probe failed with statuscode: ${status}` };
    }
  } catch (err) {
    probe.signal.throwIfAborted();
    return { success: false, output: `Get "${first}": ${describe(err as NodeJS.ErrnoException, probe)}` };
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

function request(url: URL, { headers, timeoutMs, signal }: HttpProbe): Promise<Answer> {
  const given = Object.fromEntries(headers.map(({ name, value }) => [name.toLowerCase(), value]));
  const all = { 'user-agent': 'kube-probe/1.36', accept: '*/*', connection: 'close', ...given };
  return new Promise((resolve, reject) => {
    const options = {
      headers: all,
      agent: false as const,
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    };
    const onResponse = (response: http.IncomingMessage) => {
      const chunks: Buffer[] = [];
      let size = 0;
      const done = () => {
        const { statusCode = 0, headers: answered } = response;
        resolve({ status: statusCode, location: answered.location, body: Buffer.concat(chunks).toString('utf8') });
      };
      response.on('data', (chunk: Buffer) => {
        if (size < maxBodyBytes) chunks.push(chunk);
        size += chunk.length;
        if (size >= maxBodyBytes) {
          done();
          response.destroy();
        }
      });
      response.on('end', done);
      response.on('error', reject);
    };
    const sent =
      url.protocol === 'https:'
        ? https.get(url, { ...options, rejectUnauthorized: false }, onResponse)
        : http.get(url, options, onResponse);
    sent.on('error', (err) => {
      // The reason of an abort says whether it was the time-out.
      reject(err.name === 'AbortError' && err.cause instanceof Error ? err.cause : err);
    });
  });
}
