// Checks one server: GET /readyz over TLS, with the cluster's authority, so that no other program at the address counts as a server.
//
// One connection is used for all checks. So a check costs the server no handshake, and a connection that was cut is noticed too. It is
// replaced after each failure.
import { Agent, request } from 'node:https';
import { describeError } from '../../controlplane/base/errors';
import type { Address } from './address';
import type { Finding } from './health';

export interface ProbeOptions {
  readonly address: Address;
  /** PEM. */
  readonly ca: string;
  readonly timeoutMs: number;
}

export interface Checked {
  readonly finding: Finding;
  /** What went wrong, for the log. */
  readonly why?: string;
}

export class Probe {
  private readonly agent: Agent;

  constructor(private readonly options: ProbeOptions) {
    const { ca } = options;
    this.agent = new Agent({ ca, keepAlive: true, maxSockets: 1, minVersion: 'TLSv1.2' });
  }

  /** Never rejects. */
  async check(): Promise<Checked> {
    const first = await this.ask();
    // The server may close an idle connection at the moment we use it.
    return first.isStale ? this.ask() : first;
  }

  close(): void {
    this.agent.destroy();
  }

  private ask(): Promise<Checked & { readonly isStale?: boolean }> {
    const { address, timeoutMs } = this.options;
    const { promise, resolve } = Promise.withResolvers<Checked & { readonly isStale?: boolean }>();
    const { agent } = this;
    const asked = request({ ...address, agent, path: '/readyz', headers: { 'user-agent': 'k8ts-balancer' } });
    const stopTimer = limit(timeoutMs, () => asked.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    asked.once('response', (answer) => {
      answer.resume();
      // Kept alive only when the answer was read completely: it is small.
      const { statusCode = 0 } = answer;
      const finding = findingOf(statusCode);
      answer.once('end', () => resolve(finding === 'ready' ? { finding } : { finding, why: `status ${statusCode}` }));
    });
    asked.once('error', (error: NodeJS.ErrnoException) => {
      const isStale = asked.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      const finding = error.code === 'ECONNREFUSED' ? 'refused' : 'silent';
      resolve({ finding, why: describeError(error), isStale });
    });
    asked.once('close', () => {
      stopTimer();
      resolve({ finding: 'silent', why: 'the answer broke off' });
    });
    asked.end();
    return promise;
  }
}

/** 401 and 403: a server that allows no anonymous request to /readyz. It answers, and more cannot be known without a key. */
const findingOf = (status: number): Finding =>
  status === 200 || status === 401 || status === 403 ? 'ready' : 'unready';

/**
 * If this process itself stood still (stopped, or without CPU time), answers may wait in the kernel: then the time runs once more. Returns
 * how to end it.
 */
function limit(ms: number, expired: () => void): () => void {
  let timer: NodeJS.Timeout;
  const arm = (onTime: () => void) => {
    timer = setTimeout(onTime, ms);
  };
  const due = performance.now() + ms;
  arm(() => (performance.now() - due > ms / 4 ? arm(expired) : expired()));
  return () => clearTimeout(timer);
}
