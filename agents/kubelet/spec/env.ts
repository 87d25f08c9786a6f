// The environment of a container. Pure: the caller passes the ConfigMaps, Secrets and Services.
import type { ConfigMap, Pod, Secret, Service } from '../../../controlplane/api';
import { describeError } from '../../../controlplane/base/errors';
import { ConfigError, type Container } from './container';
import type { EnvFile } from './env-file';
import { expand, TextLimit } from './expand';
import { fieldValue, type NodeFacts, resourceValue } from './field-ref';

export interface EnvSources {
  /** Undefined when there is none. Names are in the pod's namespace. */
  readonly configMap: (name: string) => ConfigMap | undefined;
  readonly secret: (name: string) => Secret | undefined;
  readonly services: readonly Service[];
  /** The variables of a file in a volume of the pod; undefined when it cannot be read. */
  readonly file: (volume: string, path: string) => EnvFile | undefined;
  readonly facts: NodeFacts;
}

/** NAME to value in the order of definition. @throws ConfigError for a missing non-optional reference, or more than a process can have */
export function containerEnv(pod: Pod, container: Container, sources: EnvSources): Map<string, string> {
  const services = serviceEnv(pod, sources.services);
  const env = new Map<string, string>();
  const limit = new TextLimit();
  // Counted before it is kept: a few words of the spec can repeat a ConfigMap, or the variables before them, many times.
  const set = (name: string, value: string): void => {
    limit.add(name);
    limit.add(value);
    env.set(name, value);
  };
  for (const from of container.envFrom ?? []) {
    for (const [key, value] of Object.entries(envFromValues(pod, from, sources)))
      set(`${from.prefix ?? ''}${key}`, value);
  }
  // A value may refer to Services and to variables defined before it.
  const before = { get: (name: string) => env.get(name) ?? services.get(name) };
  for (const variable of container.env ?? []) {
    const value = variable.valueFrom
      ? valueFrom(pod, container, variable, sources)
      : expand(variable.value ?? '', before);
    if (value !== undefined) set(variable.name, value);
  }
  for (const [name, value] of services) if (!env.has(name)) set(name, value);
  return env;
}

type EnvFrom = NonNullable<Container['envFrom']>[number];
function envFromValues(pod: Pod, from: EnvFrom, sources: EnvSources): Record<string, string> {
  const namespace = pod.metadata?.namespace;
  if (from.configMapRef) {
    const { name = '', optional } = from.configMapRef;
    const found = sources.configMap(name);
    if (!found && !optional) throw new ConfigError(`configmap "${name}" not found`);
    return validNames(found?.data ?? {});
  }
  if (from.secretRef) {
    const { name = '', optional } = from.secretRef;
    const found = sources.secret(name);
    if (!found && !optional) throw new ConfigError(`secret "${name}" not found`);
    return validNames(decodeAll(found?.data));
  }
  throw new ConfigError(`envFrom of ${namespace}/${pod.metadata?.name} names neither a ConfigMap nor a Secret`);
}

const validNames = (data: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(data).filter(([key]) => key !== '' && !key.includes('=')));

const decodeAll = (data: Readonly<Record<string, string>> | undefined): Record<string, string> =>
  Object.fromEntries(Object.entries(data ?? {}).map(([key, value]) => [key, decode(value)]));

const decode = (base64: string): string => Buffer.from(base64, 'base64').toString('utf8');

type EnvVar = NonNullable<Container['env']>[number];
function valueFrom(pod: Pod, container: Container, variable: EnvVar, sources: EnvSources): string | undefined {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = variable.valueFrom ?? {};
  const namespace = pod.metadata?.namespace;
  if (fieldRef) return fieldValue(pod, fieldRef.fieldPath, sources.facts);
  if (resourceFieldRef) return resourceValue(pod, resourceFieldRef, container.name, sources.facts);
  if (configMapKeyRef) {
    const { name = '', key, optional } = configMapKeyRef;
    const found = sources.configMap(name);
    if (!found && !optional) throw new ConfigError(`configmap "${name}" not found`);
    const value = found?.data?.[key];
    if (found && value === undefined && !optional) {
      throw new ConfigError(`couldn't find key ${key} in ConfigMap ${namespace}/${name}`);
    }
    return value;
  }
  if (secretKeyRef) {
    const { name = '', key, optional } = secretKeyRef;
    const found = sources.secret(name);
    if (!found && !optional) throw new ConfigError(`secret "${name}" not found`);
    const value = found?.data?.[key];
    if (found && value === undefined && !optional) {
      throw new ConfigError(`couldn't find key ${key} in Secret ${namespace}/${name}`);
    }
    return value === undefined ? undefined : decode(value);
  }
  if (fileKeyRef) return fileValue(fileKeyRef, sources);
  throw new ConfigError(`environment variable ${variable.name} has an empty valueFrom`);
}

type FileKey = NonNullable<NonNullable<EnvVar['valueFrom']>['fileKeyRef']>;

/** As upstream, an empty value counts as absent, and only an absent key may be optional: the file must be there and readable. */
function fileValue({ volumeName, path, key, optional }: FileKey, { file }: EnvSources): string | undefined {
  const found = file(volumeName, path);
  if (!found) throw new ConfigError("couldn't parse env file");
  const value = found.values.get(key);
  if (value === undefined && found.error) {
    throw new ConfigError(`couldn't parse env file: ${describeError(found.error)}`);
  }
  if (value) return value;
  if (optional) return undefined;
  throw new ConfigError(`environment variable key ${JSON.stringify(key)} not found in file ${JSON.stringify(path)}`);
}

const masterService = 'kubernetes';

/** Variables in the style of Docker links, for the Services of the pod's namespace and for default/kubernetes. */
export function serviceEnv(pod: Pod, services: readonly Service[]): Map<string, string> {
  const links = pod.spec?.enableServiceLinks ?? true;
  const visible = services.filter(({ metadata, spec }) => {
    if (!spec?.clusterIP || spec.clusterIP === 'None') return false;
    const isMaster = metadata?.namespace === 'default' && metadata.name === masterService;
    return isMaster || (links && metadata?.namespace === pod.metadata?.namespace);
  });
  // A Service of the pod's own namespace wins over default/kubernetes, so it comes last.
  const ordered = [...visible].sort((a, b) => rank(a, pod) - rank(b, pod) || compare(a, b));
  const env = new Map<string, string>();
  for (const service of ordered) addServiceVariables(env, service);
  return env;
}

const rank = (service: Service, pod: Pod): number => (service.metadata?.namespace === pod.metadata?.namespace ? 1 : 0);
const compare = (a: Service, b: Service): number => ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1);

function addServiceVariables(env: Map<string, string>, { metadata, spec }: Service): void {
  const ports = spec?.ports ?? [];
  const first = ports[0];
  const ip = spec?.clusterIP ?? '';
  const host = ip.includes(':') ? `[${ip}]` : ip;
  const prefix = (metadata?.name ?? '').toUpperCase().replaceAll('-', '_');
  if (!first) return;
  env.set(`${prefix}_SERVICE_HOST`, ip);
  env.set(`${prefix}_SERVICE_PORT`, String(first.port));
  for (const { name, port } of ports) {
    if (name) env.set(`${prefix}_SERVICE_PORT_${name.toUpperCase().replaceAll('-', '_')}`, String(port));
  }
  env.set(`${prefix}_PORT`, `${(first.protocol ?? 'TCP').toLowerCase()}://${host}:${first.port}`);
  for (const { port, protocol = 'TCP' } of ports) {
    const each = `${prefix}_PORT_${port}_${protocol}`;
    env.set(each, `${protocol.toLowerCase()}://${host}:${port}`);
    env.set(`${each}_PROTO`, protocol.toLowerCase());
    env.set(`${each}_PORT`, String(port));
    env.set(`${each}_ADDR`, ip);
  }
}
