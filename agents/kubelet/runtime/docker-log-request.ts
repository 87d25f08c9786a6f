// The Engine API's request for a log: GET containers/ID/logs.
import type { Readable } from 'node:stream';
import type { Container } from 'dockerode';
import type { LogOptions } from './runtime';

export interface LogRequest {
  readonly follow: boolean;
  readonly timestamps: boolean;
  readonly tail?: number;
  /** Seconds, with nine digits behind the point at most. */
  readonly since?: string;
}

export const logRequest = ({ follow = false, timestamps = false, tailLines, sinceMs }: LogOptions): LogRequest => ({
  follow,
  timestamps,
  ...(tailLines === undefined ? {} : { tail: tailLines }),
  ...(sinceMs === undefined ? {} : { since: String(sinceMs / 1000) }),
});

/** dockerode reads a log that is not followed into memory, up to 50 MB. Its client docker-modem streams it. */
export function openLog(
  { id, modem }: Container,
  query: LogRequest,
  abortSignal: AbortSignal | undefined,
): Promise<Readable> {
  const request = {
    path: `/containers/${id}/logs?`,
    method: 'GET',
    options: { stdout: true, stderr: true, ...query },
    isStream: true,
    statusCodes: { 200: true, 404: 'no such container', 500: 'server error' },
    abortSignal,
  };
  return new Promise((resolve, reject) => {
    (modem as Modem).dial(request, (err, stream) => (err ? reject(err) : resolve(stream)));
  });
}

/** The part of docker-modem that this code calls; dockerode has no types for it. */
interface Modem {
  dial(request: object, answered: (err: Error | null, stream: Readable) => void): void;
}
