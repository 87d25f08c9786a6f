// Addresses of servers as text: HOST:PORT, IPv6 in brackets. One server has one text, so the text is its name everywhere. Pure.
import { isIP } from 'node:net';
import { BadRequest } from '../../controlplane/base/errors';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** `192.168.57.10:6443`, `[fd00::1]:6443` or `control.local:6443`. @throws BadRequest */
export function parseAddress(text: string): Address {
  const at = text.lastIndexOf(':');
  const bracketed = text.startsWith('[') && text[at - 1] === ']';
  const host = bracketed ? text.slice(1, at - 1) : text.slice(0, Math.max(at, 0));
  const digits = text.slice(at + 1);
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : -1;
  const isHost = bracketed ? isIP(host) === 6 : isIP(host) === 4 || /^[A-Za-z0-9.-]{1,253}$/.test(host);
  if (!isHost || port < 0 || port > 65_535) throw new BadRequest(`${JSON.stringify(text)} is not HOST:PORT`);
  return { host: host.toLowerCase(), port };
}

export const formatAddress = ({ host, port }: Address): string =>
  isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;

/** The text that names the server. @throws BadRequest */
export function serverName(text: string): string {
  const address = parseAddress(text);
  if (address.port === 0) throw new BadRequest(`${JSON.stringify(text)} has no port`);
  return formatAddress(address);
}
