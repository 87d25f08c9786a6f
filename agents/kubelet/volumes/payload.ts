// The files of configMap, secret, downwardAPI and projected volumes. Pure: the caller passes objects and tokens.
import { type ConfigMap, initAndAppContainers, type Pod, type Secret } from '../../../controlplane/api';
import { AppError } from '../../../controlplane/base/errors';
import { fieldValue, type NodeFacts, resourceValue } from '../spec/field-ref';

export type Volume = NonNullable<NonNullable<Pod['spec']>['volumes']>[number];
export interface PayloadFile {
  readonly data: Buffer;
  readonly mode: number;
  /** Owner of the file where it is not root: a projected token of a pod with runAsUser. */
  readonly uid?: number;
}
/** Relative path to file. */
export type Payload = ReadonlyMap<string, PayloadFile>;

export interface PayloadSources {
  readonly configMap: (name: string) => ConfigMap | undefined;
  readonly secret: (name: string) => Secret | undefined;
  readonly token: (request: DesiredToken) => string | undefined;
  readonly facts: NodeFacts;
}
export interface DesiredToken {
  readonly audience?: string;
  readonly expirationSeconds: number;
}

/** A volume cannot be filled from the objects that exist now. The message is that of upstream's Event. */
export class VolumeError extends AppError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('NotFound', message, options);
  }
}

const defaultMode = 0o644;
const defaultTokenSeconds = 3600;

/** The source of a projected volume; every other source of files can be written as one. */
export type ProjectedSource = NonNullable<Volume['projected']>;
type Projection = NonNullable<ProjectedSource['sources']>[number];

/** @throws VolumeError when something that is not optional is missing */
export function projectedPayload(pod: Pod, source: ProjectedSource, sources: PayloadSources): Payload {
  const files = new Map<string, PayloadFile>();
  const mode = source.defaultMode ?? defaultMode;
  for (const each of source.sources ?? []) addSource(files, { pod, source: each, mode, sources });
  return files;
}

interface Adding {
  readonly pod: Pod;
  readonly source: Projection;
  readonly mode: number;
  readonly sources: PayloadSources;
}

function addSource(files: Map<string, PayloadFile>, { pod, source, mode, sources }: Adding): void {
  const namespace = pod.metadata?.namespace;
  if (source.configMap) {
    const { name = '', items, optional = false } = source.configMap;
    const found = sources.configMap(name);
    if (!found && !optional) throw new VolumeError(`configmap "${name}" not found`);
    const data = { ...textData(found?.data), ...binaryData(found?.binaryData) };
    addItems(files, data, {
      items,
      optional,
      mode,
      missing: (key) => `configmap references non-existent config key: ${key}`,
    });
  }
  if (source.secret) {
    const { name = '', items, optional = false } = source.secret;
    const found = sources.secret(name);
    if (!found && !optional) throw new VolumeError(`secret "${name}" not found`);
    const missing = (key: string) => `references non-existent secret key: ${key}`;
    addItems(files, binaryData(found?.data), { items, optional, mode, missing });
  }
  for (const item of source.downwardAPI?.items ?? []) {
    const text = item.fieldRef
      ? fieldValue(pod, item.fieldRef.fieldPath, sources.facts)
      : resourceValue(pod, item.resourceFieldRef!, '', sources.facts);
    files.set(item.path, { data: Buffer.from(text), mode: item.mode ?? mode });
  }
  if (source.serviceAccountToken) {
    const token = sources.token(desiredToken(source.serviceAccountToken));
    const account = pod.spec?.serviceAccountName ?? 'default';
    if (token === undefined)
      throw new VolumeError(`failed to fetch token: no token for serviceaccount ${namespace}/${account}`);
    files.set(source.serviceAccountToken.path, { data: Buffer.from(token), ...tokenAccess(pod, mode) });
  }
}

const desiredToken = (source: { audience?: string; expirationSeconds?: number }): DesiredToken => ({
  ...(source.audience ? { audience: source.audience } : {}),
  expirationSeconds: source.expirationSeconds ?? defaultTokenSeconds,
});

/** Every token that a volume projects. */
export const tokensOf = ({ sources = [] }: ProjectedSource): DesiredToken[] =>
  sources.flatMap(({ serviceAccountToken }) => (serviceAccountToken ? [desiredToken(serviceAccountToken)] : []));

/** Who may read a token: the pod's fsGroup and the user that all containers share; without both every user in the pod. */
function tokenAccess(pod: Pod, mode: number): { mode: number; uid?: number } {
  const { fsGroup, runAsUser } = pod.spec?.securityContext ?? {};
  const users = new Set(
    initAndAppContainers(pod.spec ?? {}).map((container) => container.securityContext?.runAsUser ?? runAsUser),
  );
  const [uid] = users;
  const owner = users.size === 1 && uid !== undefined ? { uid } : {};
  if (fsGroup !== undefined) return { mode: 0o640, ...owner };
  return 'uid' in owner ? { mode: 0o600, ...owner } : { mode };
}

interface ItemRules {
  readonly items?: readonly { readonly key: string; readonly path: string; readonly mode?: number }[];
  readonly optional: boolean;
  readonly mode: number;
  readonly missing: (key: string) => string;
}

function addItems(files: Map<string, PayloadFile>, data: Readonly<Record<string, Buffer>>, rules: ItemRules): void {
  const { items, optional, mode, missing } = rules;
  if (!items || items.length === 0) {
    for (const [key, bytes] of Object.entries(data)) files.set(key, { data: bytes, mode });
    return;
  }
  for (const item of items) {
    const bytes = data[item.key];
    if (bytes) files.set(item.path, { data: bytes, mode: item.mode ?? mode });
    else if (!optional) throw new VolumeError(missing(item.key));
  }
}

const textData = (data: Readonly<Record<string, string>> | undefined): Record<string, Buffer> =>
  Object.fromEntries(Object.entries(data ?? {}).map(([key, text]) => [key, Buffer.from(text)]));

const binaryData = (data: Readonly<Record<string, string>> | undefined): Record<string, Buffer> =>
  Object.fromEntries(Object.entries(data ?? {}).map(([key, base64]) => [key, Buffer.from(base64, 'base64')]));
