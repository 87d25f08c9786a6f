// Field rules of probes and lifecycle hooks.
import type { FieldCause } from '../../base/errors';
import { forbidden, invalid, invalidEach, required } from '../validation/causes';
import { nonNegative, portName, portNumber } from '../validation/names';
import { oneOf } from '../validation/selectors';
import type { Container, PodSpec, Probe } from './types';

type Handler = Pick<Probe, 'exec' | 'httpGet' | 'tcpSocket' | 'grpc'> & {
  readonly sleep?: { readonly seconds: number };
};

export function validateProbes(container: Container, field: string): FieldCause[] {
  return (['livenessProbe', 'readinessProbe', 'startupProbe'] as const).flatMap((key) => {
    const probe = container[key];
    if (!probe) return [];
    const at = `${field}.${key}`;
    const once = key === 'readinessProbe' ? [] : onlyOneSuccess(probe, at);
    const grace =
      key === 'readinessProbe' && probe.terminationGracePeriodSeconds !== undefined
        ? [
            invalid(
              `${at}.terminationGracePeriodSeconds`,
              probe.terminationGracePeriodSeconds,
              'must not be set for readinessProbes',
            ),
          ]
        : [];
    return [...validateHandler(probe, at, undefined), ...validateTimes(probe, at), ...once, ...grace];
  });
}

function onlyOneSuccess({ successThreshold = 1 }: Probe, field: string): FieldCause[] {
  return successThreshold === 1 ? [] : [invalid(`${field}.successThreshold`, successThreshold, 'must be 1')];
}

const times = [
  'initialDelaySeconds',
  'timeoutSeconds',
  'periodSeconds',
  'successThreshold',
  'failureThreshold',
] as const;

function validateTimes(probe: Probe, field: string): FieldCause[] {
  const causes = times.flatMap((key) => invalidEach(`${field}.${key}`, probe[key] ?? 0, nonNegative(probe[key] ?? 0)));
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace <= 0) {
    causes.push(invalid(`${field}.terminationGracePeriodSeconds`, grace, 'must be greater than 0'));
  }
  return causes;
}

/** `spec` is the pod's: its grace period limits how long a hook may sleep. */
export function validateLifecycle(lifecycle: Container['lifecycle'], field: string, spec: PodSpec): FieldCause[] {
  const causes = (['postStart', 'preStop'] as const).flatMap((key) => {
    const handler = lifecycle?.[key];
    return handler ? validateHandler(handler, `${field}.${key}`, spec.terminationGracePeriodSeconds ?? 0) : [];
  });
  return lifecycle?.stopSignal === undefined
    ? causes
    : [...causes, ...validateStopSignal(lifecycle.stopSignal, `${field}.stopSignal`, spec.os?.name)];
}

const windowsSignals = ['SIGKILL', 'SIGTERM'];
const linuxSignals = [
  ...['ABRT', 'ALRM', 'BUS', 'CHLD', 'CLD', 'CONT', 'FPE', 'HUP', 'ILL', 'INT', 'IO', 'IOT', 'KILL', 'PIPE', 'POLL'],
  ...['PROF', 'PWR', 'QUIT', 'RTMAX'],
  ...Array.from({ length: 14 }, (_, i) => `RTMAX-${i + 1}`),
  'RTMIN',
  ...Array.from({ length: 15 }, (_, i) => `RTMIN+${i + 1}`),
  ...['SEGV', 'STKFLT', 'STOP', 'SYS', 'TERM', 'TRAP', 'TSTP', 'TTIN', 'TTOU', 'URG', 'USR1', 'USR2', 'VTALRM'],
  ...['WINCH', 'XCPU', 'XFSZ'],
]
  .map((name) => `SIG${name}`)
  .sort();

/** Signals differ by operating system, so a pod with a stop signal must name its operating system. */
function validateStopSignal(signal: string, field: string, os: string | undefined): FieldCause[] {
  if (os === undefined) return [forbidden(field, 'may not be set for containers with empty `spec.os.name`')];
  if (os === 'windows') return oneOf(field, signal, windowsSignals);
  return os === 'linux' ? oneOf(field, signal, linuxSignals) : [];
}

/** `grace` is given for hooks, in seconds. */
function validateHandler(handler: Handler, field: string, grace: number | undefined): FieldCause[] {
  const hook = grace !== undefined;
  const kinds = (['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const).filter(
    (key) => handler[key] !== undefined,
  );
  if (kinds.length === 0) return [required(field, 'must specify a handler type')];
  const extra = kinds.slice(1).map((key) => forbidden(`${field}.${key}`, 'may not specify more than 1 handler type'));
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler;
  return [
    ...extra,
    ...(exec && !exec.command?.length ? [required(`${field}.exec.command`)] : []),
    ...(httpGet ? validateHttpGet(httpGet, `${field}.httpGet`) : []),
    ...(tcpSocket ? validatePort(tcpSocket.port, `${field}.tcpSocket.port`) : []),
    ...(sleep && hook && (sleep.seconds < 0 || sleep.seconds > grace)
      ? [
          invalid(
            `${field}.sleep`,
            sleep.seconds,
            `must be non-negative and less than terminationGracePeriodSeconds (${grace})`,
          ),
        ]
      : []),
    ...(grpc && !hook ? invalidEach(`${field}.grpc.port`, grpc.port ?? 0, portNumber(grpc.port ?? 0)) : []),
  ];
}

function validateHttpGet(
  { path, port, scheme, httpHeaders = [] }: NonNullable<Probe['httpGet']>,
  field: string,
): FieldCause[] {
  return [
    ...(path ? [] : [required(`${field}.path`)]),
    ...validatePort(port, `${field}.port`),
    ...oneOf(`${field}.scheme`, scheme, ['HTTP', 'HTTPS']),
    ...httpHeaders.flatMap(({ name = '' }) =>
      /^[-A-Za-z0-9]+$/.test(name)
        ? []
        : [
            invalid(
              `${field}.httpHeaders`,
              name,
              "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')",
            ),
          ],
    ),
  ];
}

/** A port is a number or the name of one. */
export function validatePort(port: number | string | undefined, field: string): FieldCause[] {
  if (typeof port === 'string') return invalidEach(field, port, portName(port));
  return invalidEach(field, port ?? 0, portNumber(port ?? 0));
}
