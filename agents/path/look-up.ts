// A name as this machine resolves it: its hosts file and name servers.
import { lookup } from 'node:dns/promises';

/** Undefined: it does not. */
export const lookUp = async (name: string): Promise<string | undefined> =>
  (await lookup(name, { family: 4 }).catch(() => undefined))?.address;
