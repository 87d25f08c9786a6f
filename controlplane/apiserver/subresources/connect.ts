// Requests that connect to a pod or node (exec, attach, portforward, proxy) pass the write rules before they are passed on, with the
// options of the connection as their object. A webhook may change them: a container, a command.
import type { KubeObject } from '../../api/types';
import { queryFlag } from '../request';
import type { RestDeps, RestRequest } from '../rest/context';
import type { Write } from '../write/rule';
import type { WriteRules } from '../write/run';

interface ConnectOptions extends KubeObject {
  stdin?: unknown;
  stdout?: unknown;
  stderr?: unknown;
  tty?: unknown;
  container?: unknown;
  command?: unknown;
  ports?: unknown;
  path?: unknown;
}

/** Which options a subresource has, beyond its kind. */
const streams = ['stdin', 'stdout', 'stderr', 'tty'] as const;

type OptionsOf = (rest: RestRequest) => ConnectOptions;

const ofStreams: OptionsOf = ({ query }) => {
  const options: ConnectOptions = {};
  for (const name of streams) if (queryFlag(query, name)) options[name] = true;
  const container = query.get('container');
  if (container) options.container = container;
  return options;
};
const path: OptionsOf = ({ route }) => (route.rest === '' ? {} : { path: route.rest });

const readers: Readonly<Record<string, OptionsOf>> = {
  attach: ofStreams,
  exec: (rest) => ({ ...ofStreams(rest), command: rest.query.getAll('command') }),
  portforward: ({ query }) => (query.has('ports') ? { ports: query.getAll('ports').map(Number) } : {}),
  proxy: path,
};

/** How upstream names the options: PodExecOptions, ServiceProxyOptions. */
const kindNames: Readonly<Record<string, string>> = {
  attach: 'AttachOptions',
  exec: 'ExecOptions',
  portforward: 'PortForwardOptions',
  proxy: 'ProxyOptions',
};

export const isConnection = (subresource: string): boolean => Object.hasOwn(readers, subresource);

/**
 * The request as the rules leave it; a promise only when a rule waits.
 * @throws the error of the rule that refuses
 */
export function admitConnection({ rules }: RestDeps, rest: RestRequest): RestRequest | Promise<RestRequest> {
  const { kind, namespace, name, subresource } = rest.route;
  const kindName = `${kind.kind}${kindNames[subresource]}`;
  const object: ConnectOptions = { kind: kindName, apiVersion: 'v1', ...readers[subresource]!(rest) };
  const before = JSON.stringify(object);
  const write: Write = {
    operation: 'connect',
    kind,
    namespace: kind.namespaced ? namespace : '',
    name,
    subresource,
    object,
    user: rest.request.user,
    rest,
    dryRun: false,
    warnings: rest.warnings,
  };
  const pending = admit(rules, write);
  if (!pending) return rest;
  return pending.then(() => (JSON.stringify(object) === before ? rest : withOptions(rest, object)));
}

function admit(rules: WriteRules, write: Write): void | Promise<void> {
  const mutated = rules.mutate(write);
  return mutated ? mutated.then(() => rules.validate(write)) : rules.validate(write);
}

/** The path of a proxy stays: it was authorized. */
function withOptions(rest: RestRequest, options: ConnectOptions): RestRequest {
  if (rest.route.subresource === 'proxy') return rest;
  const query = new URLSearchParams();
  for (const name of streams) if (options[name] === true) query.set(name, 'true');
  if (typeof options.container === 'string') query.set('container', options.container);
  for (const one of listOf(options.command)) query.append('command', one);
  for (const one of listOf(options.ports)) query.append('ports', one);
  return { ...rest, query };
}

const listOf = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((one) => typeof one === 'string' || typeof one === 'number').map(String) : [];
