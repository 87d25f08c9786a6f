// The records that describe hostile requests.

export interface HostileInput {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: () => Buffer;
  /** Milliseconds that one turn may take; 200 for bodies near a limit (3 MB, 20,000 values) and answers of megabytes, else 50. */
  readonly bound?: 200;
  /** A watch: it is closed after its first bytes. */
  readonly stream?: true;
}

export const namespace = '/api/v1/namespaces/default';
export const maps = `${namespace}/configmaps`;
export const deployments = '/apis/apps/v1/namespaces/default/deployments';
export const review = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
export const access = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
const json = 'application/json';
export const yaml = 'application/yaml';
export const dry = 'dryRun=All';
/** Just below the limit. */
const nearLimit = 3_140_000;

export const lines = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join('');
export const fill =
  (head: string, unit: string, tail: string, size = nearLimit) =>
  (): Buffer =>
    Buffer.from(head + unit.repeat(Math.floor((size - head.length - tail.length) / unit.length)) + tail);
export const text = (value: unknown) => (): Buffer =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
export const map = (rest: object) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'sent' }, ...rest });
export const post = (
  name: string,
  path: string,
  body: () => Buffer,
  rest: Partial<HostileInput> = {},
): HostileInput => ({
  name,
  method: 'POST',
  path: `${path}?${dry}`,
  type: json,
  body,
  ...rest,
});
export const get = (name: string, path: string, rest: Partial<HostileInput> = {}): HostileInput => ({
  name,
  method: 'GET',
  path,
  ...rest,
});
export const patch = (
  name: string,
  type: string,
  body: () => Buffer,
  rest: Partial<HostileInput> = {},
): HostileInput => ({
  name,
  method: 'PATCH',
  path: `${deployments}/target?${dry}`,
  type: `application/${type}`,
  body,
  ...rest,
});
export const large = { bound: 200 } as const;
export const list = (query: string) => `${maps}?${query}`;
export const encode = encodeURIComponent;

export const containers = (count: number) => Array.from({ length: count }, (_, i) => ({ name: `c${i}`, image: 'i' }));
const pod = (spec: object) => ({ metadata: { labels: { a: 'b' } }, spec });
export const deployment = (spec: object) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'sent' },
  spec: { selector: { matchLabels: { a: 'b' } }, template: pod(spec) },
});
export const quantity = (amount: string) =>
  deployment({ containers: [{ name: 'c', image: 'i', resources: { limits: { cpu: amount } } }] });
const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value & 127) | 128, ...varint(Math.floor(value / 128))];
export const field = (number: number, bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from([...varint(number * 8 + 2), ...varint(bytes.length)]), bytes]);
export const protobuf = (raw: Buffer) => (): Buffer =>
  Buffer.concat([
    Buffer.from('k8s\0'),
    field(1, Buffer.concat([field(1, Buffer.from('v1')), field(2, Buffer.from('ConfigMap'))])),
    field(2, raw),
  ]);
export const bytes = (unit: Buffer, size = nearLimit): Buffer =>
  Buffer.alloc(Math.floor(size / unit.length) * unit.length, unit);
