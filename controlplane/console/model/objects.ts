// The parts of an object that a page shows, read from JSON of any kind: fields may be missing or of other types. Pure.

export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: Metadata;
  readonly spec?: unknown;
  readonly status?: unknown;
}
export interface Metadata {
  readonly name?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly Owner[];
}
export interface Owner {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly controller?: boolean;
}
export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly sinceMs: number;
}

/** The value at a path; undefined where there is none. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let here = value;
  for (const key of path) {
    if (typeof here !== 'object' || here === null) return undefined;
    here = (here as Readonly<Record<string | number, unknown>>)[key];
  }
  return here;
}

export const textAt = (value: unknown, ...path: readonly (string | number)[]): string => {
  const found = at(value, ...path);
  return typeof found === 'string' || typeof found === 'number' || typeof found === 'boolean' ? String(found) : '';
};

export const listAt = (value: unknown, ...path: readonly (string | number)[]): readonly unknown[] => {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
};

export const textsAt = (value: unknown, ...path: readonly (string | number)[]): Readonly<Record<string, string>> => {
  const found = at(value, ...path);
  return typeof found === 'object' && found !== null && !Array.isArray(found)
    ? Object.fromEntries(Object.entries(found).map(([key, one]) => [key, String(one)]))
    : {};
};

export const conditionsOf = ({ status }: KubeObject): readonly Condition[] =>
  listAt(status, 'conditions').map((condition) => ({
    type: textAt(condition, 'type'),
    status: textAt(condition, 'status'),
    reason: textAt(condition, 'reason'),
    message: textAt(condition, 'message'),
    sinceMs: Date.parse(textAt(condition, 'lastTransitionTime') || textAt(condition, 'lastUpdateTime')),
  }));

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly isInit: boolean;
  readonly isReady: boolean;
  readonly restarts: number;
  /** Running, or the reason why not: CrashLoopBackOff, Completed. */
  readonly state: string;
  /** The server's words for it; ''. */
  readonly message: string;
  /** How the run before ended. */
  readonly last?: { readonly reason: string; readonly exitCode: string; readonly at: string };
  readonly ports: readonly number[];
}

/** The containers of a pod, init containers last. */
export const containersOf = ({ spec, status }: KubeObject): readonly Container[] => [
  ...containersIn(listAt(spec, 'containers'), listAt(status, 'containerStatuses'), false),
  ...containersIn(listAt(spec, 'ephemeralContainers'), listAt(status, 'ephemeralContainerStatuses'), false),
  ...containersIn(listAt(spec, 'initContainers'), listAt(status, 'initContainerStatuses'), true),
];

function containersIn(specs: readonly unknown[], statuses: readonly unknown[], isInit: boolean): readonly Container[] {
  return specs.map((container) => {
    const name = textAt(container, 'name');
    const status = statuses.find((one) => textAt(one, 'name') === name);
    const state = at(status, 'state');
    const last = at(status, 'lastState', 'terminated') ?? at(state, 'terminated');
    return {
      name,
      image: textAt(container, 'image'),
      isInit,
      isReady: at(status, 'ready') === true,
      restarts: Number(textAt(status, 'restartCount')),
      state:
        at(state, 'running') !== undefined
          ? 'Running'
          : textAt(state, 'waiting', 'reason') || textAt(state, 'terminated', 'reason') || 'Pending',
      message: textAt(state, 'waiting', 'message') || textAt(state, 'terminated', 'message'),
      ...(last === undefined
        ? {}
        : {
            last: {
              reason: textAt(last, 'reason'),
              exitCode: textAt(last, 'exitCode'),
              at: textAt(last, 'finishedAt'),
            },
          }),
      ports: listAt(container, 'ports').map((port) => Number(textAt(port, 'containerPort'))),
    };
  });
}

/** The selector of a workload or a Service as text: app=web,tier=a. '' when it selects by other rules. */
export function selectorOf(kind: string, { spec }: KubeObject): string {
  const labels = kind === 'Service' ? at(spec, 'selector') : at(spec, 'selector', 'matchLabels');
  if (listAt(spec, 'selector', 'matchExpressions').length > 0) return '';
  return Object.entries(textsAt(labels))
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}

/** What identifies an object on the command line: quoted for a shell where it must be. */
export const shellWord = (word: string): string =>
  /^[\w./:=@-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/** The command that makes a port of a pod or Service reachable from the reader's machine. */
export const portForwardCommand = (type: 'pod' | 'service', namespace: string, name: string, port: number): string =>
  `kubectl -n ${shellWord(namespace)} port-forward ${type}/${shellWord(name)} ${port < 1024 ? port + 8000 : port}:${port}`;
