// /healthz, /livez and /readyz with ?verbose, ?exclude and single checks, with kube-apiserver's texts.
import { type ApiRequest, queryOf, type Reply, textReply } from './request';

export type HealthEndpoint = 'healthz' | 'livez' | 'readyz';

export interface HealthCheck {
  /** May contain slashes: `poststarthook/rbac/bootstrap-roles`. */
  readonly name: string;
  /** The endpoints with this check; absent: all. */
  readonly at?: readonly HealthEndpoint[];
  /** The summary, which all may read, says why the check fails. */
  readonly isPublic?: true;
  /** Why the check fails; undefined when it passes. `at`: the endpoint that someone asked for; undefined for a look that is not counted. */
  readonly failure: (at?: HealthEndpoint) => string | undefined;
}

const endpoints: readonly HealthEndpoint[] = ['healthz', 'livez', 'readyz'];
export const endpointsOf = ({ at = endpoints }: HealthCheck): readonly HealthEndpoint[] => at;

const headers = { 'x-content-type-options': 'nosniff' };
const answer = (text: string, status = 200): Reply => ({ ...textReply(text, status), headers });

/** Undefined for a single check that does not exist. */
export function healthReply(request: ApiRequest, path: string, checks: readonly HealthCheck[]): Reply | undefined {
  const [first = '', ...rest] = path.slice(1).split('/');
  const endpoint = first as HealthEndpoint;
  const installed = checks.filter((check) => endpointsOf(check).includes(endpoint));
  const single = rest.join('/');
  if (single === '') return allChecks(request, endpoint, installed);
  const check = installed.find(({ name }) => name === single);
  if (!check) return undefined;
  const failure = check.failure(endpoint);
  return failure === undefined ? textReply('ok') : answer(`internal server error: ${failure}\n`, 500);
}

/** All may read this answer, so it names only public reasons: a single check needs a permission. */
function allChecks(request: ApiRequest, endpoint: HealthEndpoint, checks: readonly HealthCheck[]): Reply {
  const query = queryOf(request);
  const unknown = new Set(query.getAll('exclude'));
  let failed = false;
  const lines = checks.map(({ name, failure, isPublic }) => {
    if (unknown.delete(name)) return `[+]${name} excluded: ok\n`;
    const reason = failure(endpoint);
    if (reason === undefined) return `[+]${name} ok\n`;
    failed = true;
    return `[-]${name} failed: ${isPublic ? reason : 'reason withheld'}\n`;
  });
  if (unknown.size > 0) {
    const names = [...unknown].sort().map((name) => JSON.stringify(name));
    lines.push(`warn: some health checks cannot be excluded: no matches for ${names.join(',')}\n`);
  }
  if (failed) return answer(`${lines.join('')}${endpoint} check failed\n`, 500);
  return answer(query.has('verbose') ? `${lines.join('')}${endpoint} check passed\n` : 'ok');
}
