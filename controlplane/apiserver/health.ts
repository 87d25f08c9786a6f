// /healthz, /livez and /readyz with ?verbose, ?exclude and single checks.
import { type ApiRequest, queryOf, type Reply, textReply } from './request';

export interface HealthCheck {
  readonly name: string;
  /** Only readiness depends on it. */
  readonly readyOnly?: boolean;
  /** Why the check fails; undefined when it passes. */
  readonly failure: () => string | undefined;
}

/** Undefined for a single check that does not exist. */
export function healthReply(request: ApiRequest, path: string, checks: readonly HealthCheck[]): Reply | undefined {
  const [, endpoint = '', single] = path.split('/');
  const query = queryOf(request);
  const excluded = new Set(query.getAll('exclude'));
  const asked = checks.filter(
    (check) => (endpoint === 'readyz' || !check.readyOnly) && (single === undefined || check.name === single),
  );
  if (single !== undefined && asked.length === 0) return undefined;
  const results = asked.map((check) => ({
    name: check.name,
    excluded: excluded.has(check.name),
    failure: excluded.has(check.name) ? undefined : check.failure(),
  }));
  const failed = results.some(({ failure }) => failure !== undefined);
  if (!failed && !query.has('verbose')) return textReply('ok');
  const lines = results.map(({ name, excluded: skipped, failure }) => {
    if (skipped) return `[+]${name} excluded: ok`;
    return failure === undefined ? `[+]${name} ok` : `[-]${name} failed: ${failure}`;
  });
  return textReply(`${lines.join('\n')}\n${endpoint} check ${failed ? 'failed' : 'passed'}\n`, failed ? 500 : 200);
}
