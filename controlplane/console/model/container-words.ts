// What the specification of a container says, in short words: API terms, no sentences. Pure.
import { at, listAt, textAt, textsAt } from './objects';

export interface ContainerWords {
  /** `http 8080/TCP` */
  readonly ports: readonly string[];
  /** `cpu 100m, at most 500m` */
  readonly resources: readonly string[];
  /** `readiness GET /healthz :8080` */
  readonly probes: readonly string[];
  /** `/data ← config` */
  readonly mounts: readonly string[];
  /** `MODE=fast`, `TOKEN ← Secret login.token`. Values of Secrets are never among them. */
  readonly env: readonly string[];
  readonly command: string;
}

/** @param atMost how a language says an upper limit */
export function wordsOf(container: unknown, atMost: (value: string) => string): ContainerWords {
  const limits = textsAt(at(container, 'resources', 'limits'));
  const requests = textsAt(at(container, 'resources', 'requests'));
  const names = [...new Set([...Object.keys(requests), ...Object.keys(limits)])];
  return {
    ports: listAt(container, 'ports').map((port) => {
      const host = textAt(port, 'hostPort');
      const text = `${textAt(port, 'containerPort')}/${textAt(port, 'protocol') || 'TCP'}`;
      return [textAt(port, 'name'), text, host === '' ? '' : `(hostPort ${host})`].filter(Boolean).join(' ');
    }),
    resources: names.map((name) => {
      const [wanted, limit] = [requests[name], limits[name]];
      return `${name} ${[wanted, limit === undefined ? undefined : atMost(limit)].filter(Boolean).join(', ')}`;
    }),
    probes: (['startup', 'readiness', 'liveness'] as const).flatMap((name) => {
      const probe = at(container, `${name}Probe`);
      return probe === undefined ? [] : [`${name} ${probeWords(probe)}`];
    }),
    mounts: listAt(container, 'volumeMounts').map((mount) => {
      const isReadOnly = at(mount, 'readOnly') === true;
      return `${textAt(mount, 'mountPath')} ← ${textAt(mount, 'name')}${isReadOnly ? ' (readOnly)' : ''}`;
    }),
    env: [
      ...listAt(container, 'env').map(envWords),
      ...listAt(container, 'envFrom').map((one) => {
        const [secret, map] = [textAt(one, 'secretRef', 'name'), textAt(one, 'configMapRef', 'name')];
        return `${textAt(one, 'prefix')}* ← ${secret === '' ? `ConfigMap ${map}` : `Secret ${secret}`}`;
      }),
    ],
    command: [...listAt(container, 'command'), ...listAt(container, 'args')].map(String).join(' '),
  };
}

function envWords(one: unknown): string {
  const name = textAt(one, 'name');
  const from = at(one, 'valueFrom');
  if (from === undefined) return `${name}=${textAt(one, 'value')}`;
  const key = (ref: string) => `${textAt(from, ref, 'name')}.${textAt(from, ref, 'key')}`;
  if (at(from, 'secretKeyRef') !== undefined) return `${name} ← Secret ${key('secretKeyRef')}`;
  if (at(from, 'configMapKeyRef') !== undefined) return `${name} ← ConfigMap ${key('configMapKeyRef')}`;
  return `${name} ← ${textAt(from, 'fieldRef', 'fieldPath') || textAt(from, 'resourceFieldRef', 'resource')}`;
}

function probeWords(probe: unknown): string {
  const get = at(probe, 'httpGet');
  if (get !== undefined) return `GET ${textAt(get, 'path') || '/'} :${textAt(get, 'port')}`;
  const tcp = textAt(probe, 'tcpSocket', 'port');
  if (tcp !== '') return `TCP :${tcp}`;
  const grpc = textAt(probe, 'grpc', 'port');
  return grpc === '' ? `exec ${listAt(probe, 'exec', 'command').map(String).join(' ')}` : `gRPC :${grpc}`;
}
