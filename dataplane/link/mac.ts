// Link addresses as bytes and back. Pure.
import { BadRequest } from '../../controlplane/base/errors';

/** @throws BadRequest */
export function macBytes(mac: string): Buffer {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(mac)) throw new BadRequest(`not a MAC address: ${JSON.stringify(mac)}`);
  return Buffer.from(mac.replaceAll(':', ''), 'hex');
}

export const formatMac = (data: Buffer | undefined): string =>
  data === undefined ? '' : [...data].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
