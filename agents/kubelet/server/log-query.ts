// The parameters of containerLogs. Pure.
import { BadRequest } from '../../../controlplane/base/errors';

export interface LogQuery {
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly tailLines?: number;
  readonly limitBytes?: number;
  /** In ms since the epoch. */
  readonly sinceMs?: number;
  readonly stream: 'All' | 'Stdout' | 'Stderr';
}

/** @throws BadRequest for values that are not numbers or times */
export function parseLogQuery(query: URLSearchParams, now: number): LogQuery {
  const tailLines = integer(query, 'tailLines', 0);
  const limitBytes = integer(query, 'limitBytes', 1);
  const sinceSeconds = integer(query, 'sinceSeconds', 1);
  const sinceTime = query.get('sinceTime');
  const sinceMs = sinceTime
    ? Date.parse(sinceTime)
    : sinceSeconds === undefined
      ? undefined
      : now - sinceSeconds * 1000;
  if (sinceMs !== undefined && Number.isNaN(sinceMs))
    throw new BadRequest(`sinceTime must be an RFC 3339 time: ${sinceTime}`);
  const stream = query.get('stream') || 'All';
  if (stream !== 'All' && stream !== 'Stdout' && stream !== 'Stderr') throw new BadRequest(`unknown stream: ${stream}`);
  return {
    follow: flag(query, 'follow'),
    previous: flag(query, 'previous'),
    timestamps: flag(query, 'timestamps'),
    stream,
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(sinceMs === undefined ? {} : { sinceMs }),
  };
}

/** As the API server parses booleans: every value except 0 and false means true. */
const flag = (query: URLSearchParams, name: string): boolean =>
  !['0', 'false'].includes((query.get(name) ?? 'false').toLowerCase());

function integer(query: URLSearchParams, name: string, min: number): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < min)
    throw new BadRequest(`${name} must be a whole number of at least ${min}: ${text}`);
  return value;
}
