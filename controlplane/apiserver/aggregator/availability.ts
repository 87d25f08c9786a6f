// Whether a remote APIService can be used: its Service, its port and its endpoints exist, and one of them answers. Pure, but for the
// requests of `probe`.
import type { APIService, APIServiceCondition } from '../../api/api-service';
import type { EndpointSlice } from '../../api/endpoint-slice';
import type { Service } from '../../api/service';
import type { UserInfo } from '../request';
import { userHeaders } from './proxied-headers';
import { type Remote, Unresolved } from './remote';

export type Verdict = Pick<APIServiceCondition, 'status' | 'reason' | 'message'>;

export const passed: Verdict = { status: 'True', reason: 'Passed', message: 'all checks passed' };
const failed = (reason: string, message: string): Verdict => ({ status: 'False', reason, message });

/** Undefined when only the server itself can tell. Upstream looks at ports and endpoints of type ClusterIP only. */
export function checkService(
  { spec }: APIService,
  service: Service | undefined,
  slices: readonly EndpointSlice[],
): Verdict | undefined {
  const { name, namespace, port } = spec?.service ?? {};
  const shown = `service/${name} in ${JSON.stringify(namespace)}`;
  if (!service) return failed('ServiceNotFound', `${shown} is not present`);
  if (service.spec?.type !== 'ClusterIP') return undefined;
  const found = (service.spec.ports ?? []).find((one) => one.port === port);
  if (!found) return failed('ServicePortError', `${shown} is not listening on port ${port}`);
  if (slices.length === 0) return failed('EndpointsNotFound', `cannot find endpointslices for ${shown}`);
  const portName = found.name ?? '';
  if (slices.some((slice) => hasEndpoint(slice, portName))) return undefined;
  const detail = `endpointslices for ${shown} have no addresses with port name ${JSON.stringify(portName)}`;
  return failed('MissingEndpoints', detail);
}

const hasEndpoint = ({ endpoints, ports }: EndpointSlice, portName: string): boolean =>
  (endpoints ?? []).some(({ conditions }) => conditions?.ready !== false) &&
  (ports ?? []).some(({ name = '', port }) => name === portName && port !== undefined);

const attempts = 5;
const timeoutMs = 5_000;
/** The aggregated server lets every member of this group read its discovery. */
export const aggregatorUser: UserInfo = { name: 'system:kube-aggregator', groups: ['system:masters'] };

/** Asks several times at once, since each request may reach another endpoint; one good answer is enough. */
export async function probe(remote: Remote, path: string): Promise<Verdict> {
  const failures: string[] = [];
  const ask = async () => {
    const failure = await probeOnce(remote, path);
    if (failure === undefined) return;
    failures.push(failure);
    throw new Error(failure);
  };
  try {
    await Promise.any(Array.from({ length: attempts }, ask));
    return passed;
  } catch {
    return failed('FailedDiscoveryCheck', failures.at(-1) ?? '');
  }
}

/** Why the answer is bad; undefined when it is good. */
async function probeOnce(remote: Remote, path: string): Promise<string | undefined> {
  let url = path;
  try {
    const address = remote.resolve();
    const host = address.host.includes(':') ? `[${address.host}]` : address.host;
    url = `https://${host}:${address.port}${path}`;
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await remote.send({ method: 'GET', path, headers: userHeaders(aggregatorUser), signal }, address);
    response.on('error', () => undefined);
    response.resume();
    const { statusCode = 0 } = response;
    if (statusCode >= 200 && statusCode < 300) return undefined;
    return `failing or missing response from ${url}: bad status from ${url}: ${statusCode}`;
  } catch (err) {
    if (err instanceof Unresolved) return err.cause instanceof Error ? err.cause.message : err.message;
    const text = err instanceof Error ? err.message : String(err);
    return `failing or missing response from ${url}: Get ${JSON.stringify(url)}: ${text}`;
  }
}
