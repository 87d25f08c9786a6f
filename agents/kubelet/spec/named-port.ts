// Which port a probe or hook calls. Pure.
import { BadRequest } from '../../../controlplane/base/errors';
import type { Container } from './container';

/** A number, or the name of one of the container's ports. @throws BadRequest */
export function resolvePort(port: number | string | object, container: Container): number {
  if (typeof port === 'number') return port;
  const text = String(port);
  if (/^\d+$/.test(text)) return Number(text);
  const named = container.ports?.find(({ name }) => name === text);
  if (!named) throw new BadRequest(`couldn't find port: ${text} in container ${container.name}`);
  return named.containerPort;
}
