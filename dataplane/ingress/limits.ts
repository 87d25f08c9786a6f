// Limits for one client: what it may use, and for how long.
import type { ServerHttp2Session } from 'node:http2';

export interface Limits {
  /** For the head of a request, and for the head of an answer. */
  readonly maxHeaderBytes: number;
  /** Per port; further connections are closed at once. */
  readonly maxConnections: number;
  /**
   * For a TLS handshake, and then for the head of a request, from its first byte; also the limit for the first request of an
   * HTTP/2 connection.
   */
  readonly headMs: number;
  /** Between requests. */
  readonly idleMs: number;
  /** Without a byte in either direction during a request: longer than backends may be silent (forward.ts). */
  readonly stalledMs: number;
}

export const defaultLimits: Limits = {
  maxHeaderBytes: 16 * 1024,
  maxConnections: 10_000,
  headMs: 15_000,
  idleMs: 75_000,
  stalledMs: 330_000,
};

/** How often Node checks for connections that exceed their time; a part of the shortest time. */
export const checkingMs = ({ headMs }: Limits): number => Math.max(10, Math.min(2_000, headMs / 4));

/**
 * RFC 9113, section 6.5.2, recommends at least 100. A client that resets streams faster than this loses its connection
 * (CVE-2023-44487).
 */
export const http2Limits = { settings: { maxConcurrentStreams: 100 }, streamResetBurst: 1_000, streamResetRate: 50 };

/**
 * Closes a session without requests after `idleMs` (before the first request after `headMs`), and a session without progress
 * after `stalledMs`.
 */
export function limitSession(session: ServerHttp2Session, { headMs, idleMs, stalledMs }: Limits): void {
  let streams = 0;
  const wait = (ms: number) => {
    if (!session.destroyed) session.setTimeout(ms);
  };
  session.on('stream', (stream) => {
    streams++;
    wait(stalledMs);
    stream.once('close', () => {
      if (--streams === 0) wait(idleMs);
    });
  });
  // Node's own handler destroys the session at the server's timeout, which is meant for HTTP/1 connections.
  session.removeAllListeners('timeout');
  session.on('timeout', () => {
    if (streams > 0) session.destroy();
    else session.close();
  });
  wait(headMs);
}
