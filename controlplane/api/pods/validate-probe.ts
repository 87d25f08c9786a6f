// Field rules of probes and lifecycle hooks.
import type { FieldCause } from '../../base/errors';
import { forbidden, invalid, invalidEach, required } from '../validation/causes';
import { nonNegative, portName, portNumber } from '../validation/names';
import { oneOf } from '../validation/selectors';
import type { Container, Probe } from './types';

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
        ? [forbidden(`${at}.terminationGracePeriodSeconds`, 'must not be set for readinessProbes')]
        : [];
    return [...validateHandler(probe, at, false), ...validateTimes(probe, at), ...once, ...grace];
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

const validateTimes = (probe: Probe, field: string): FieldCause[] =>
  times.flatMap((key) => invalidEach(`${field}.${key}`, probe[key] ?? 0, nonNegative(probe[key] ?? 0)));

export function validateLifecycle(lifecycle: Container['lifecycle'], field: string): FieldCause[] {
  return (['postStart', 'preStop'] as const).flatMap((key) => {
    const handler = lifecycle?.[key];
    return handler ? validateHandler(handler, `${field}.${key}`, true) : [];
  });
}

function validateHandler(handler: Handler, field: string, hook: boolean): FieldCause[] {
  const kinds = (['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const).filter(
    (key) => handler[key] !== undefined,
  );
  if (kinds.length === 0) return [required(field, 'must specify a handler type')];
  const extra = kinds.slice(1).map((key) => forbidden(`${field}.${key}`, 'may not specify more than 1 handler type'));
  const { exec, httpGet, tcpSocket, grpc } = handler;
  return [
    ...extra,
    ...(exec && !exec.command?.length ? [required(`${field}.exec.command`)] : []),
    ...(httpGet ? validateHttpGet(httpGet, `${field}.httpGet`) : []),
    ...(tcpSocket ? validatePort(tcpSocket.port, `${field}.tcpSocket.port`) : []),
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
    ...httpHeaders.flatMap(({ name = '' }, i) =>
      /^[-A-Za-z0-9]+$/.test(name)
        ? []
        : [
            invalid(
              `${field}.httpHeaders[${i}]`,
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
