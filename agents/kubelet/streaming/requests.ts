// Paths and parameters of the kubelet's streaming end points. Pure.
import { BadRequest } from '../../../controlplane/base/errors';
import type { AttachRequest, ExecRequest, PodRef } from './handlers';
import { parseRequestPath } from './request-path';

export type StreamingRequest =
  | { readonly kind: 'exec'; readonly request: ExecRequest }
  | { readonly kind: 'attach'; readonly request: AttachRequest }
  /** `ports`: only with WebSocket channels, whose request names all ports. Otherwise each connection names its port. */
  | { readonly kind: 'portForward'; readonly pod: PodRef; readonly ports: readonly number[] };

/** Undefined for the path of another end point. @throws BadRequest for wrong parameters. */
export function parseStreamingRequest(url: string): StreamingRequest | undefined {
  const { segments, query } = parseRequestPath(url);
  const [kind, ...parts] = segments;
  switch (kind) {
    case 'exec': {
      const command = query.getAll('command');
      const request = { ...attachRequest(parts, query), command };
      if (command.length === 0) throw new BadRequest('you must specify a command');
      return { kind, request };
    }
    case 'attach':
      return { kind, request: attachRequest(parts, query) };
    case 'portForward':
      return { kind, pod: podRef(parts, 2), ports: parsePorts(query) };
    default:
      return undefined;
  }
}

/** NAMESPACE/POD[/UID], then the rest of the path. `length`: number of parts without the uid. */
function podRef(parts: readonly string[], length: number): PodRef {
  const [namespace, pod, third] = parts;
  const known = parts.length === length || parts.length === length + 1;
  if (!known || parts.includes('') || namespace === undefined || pod === undefined) {
    throw new BadRequest('path must be NAMESPACE/POD[/UID][/CONTAINER]');
  }
  return { namespace, pod, ...(parts.length > length && third !== undefined ? { uid: third } : {}) };
}

function attachRequest(parts: readonly string[], query: URLSearchParams): AttachRequest {
  const pod = podRef(parts, 3);
  const is = (...names: string[]) => names.some((name) => ['1', 'true'].includes(query.get(name) ?? ''));
  // The kubelet's own parameter names, and those of the API server, for clients that call the kubelet directly.
  const tty = is('tty');
  const stdin = is('input', 'stdin');
  const stdout = is('output', 'stdout');
  const stderr = is('error', 'stderr') && !tty;
  if (!stdin && !stdout && !stderr) throw new BadRequest('you must specify at least 1 of stdin, stdout, stderr');
  return { ...pod, container: parts[parts.length - 1] ?? '', stdin, stdout, stderr, tty };
}

/** `ports` may be repeated and may hold commas. */
function parsePorts(query: URLSearchParams): readonly number[] {
  return query
    .getAll('ports')
    .flatMap((text) => text.split(','))
    .map(parsePort);
}

/** @throws BadRequest */
export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65535) throw new BadRequest(`invalid port ${JSON.stringify(text)}`);
  return port;
}
