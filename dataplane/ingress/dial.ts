// How the proxy gets from a backend's name to an address it may connect to. The judgement is made on the addresses of each look-up, and
// the connection is opened to exactly these: a name that leads elsewhere a moment later helps nothing (DNS rebinding).
import { getServers } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { isIP } from 'node:net';
import { describeError } from '../../controlplane/base/errors';
import { refusedName, refusedRange } from './destination';
import { Names, resolveBy } from './names';

export interface Dialing {
  readonly lookup: (name: string) => Promise<readonly string[]>;
  /** Why nothing may be connected to at this address; undefined when something may. */
  readonly refuse: (address: string, port: number) => string | undefined;
}

/** Nothing here is allowed to be reached by the name that a user chose. */
export class DestinationRefused extends Error {
  readonly code = 'EDESTINATION';
}

/** The name servers have no address for the name, or did not answer. */
export class NameNotResolved extends Error {
  readonly code = 'ENAME';
}

/** The node's own name servers; what only the node has is refused. */
export function defaultDialing(): Dialing {
  const names = new Names(resolveBy(getServers()));
  return { lookup: (name) => names.lookup(name), refuse: refusedRange };
}

/** The addresses of `name` that may be connected to. @throws NameNotResolved; DestinationRefused when none is allowed */
export async function addressesOf(name: string, port: number, dialing: Dialing): Promise<readonly string[]> {
  const problem = refusedName(name);
  if (problem) throw new DestinationRefused(`${name}: ${problem}`);
  const found = await dialing.lookup(name).catch((cause: unknown) => {
    throw new NameNotResolved(describeError(cause), { cause });
  });
  const reasons: string[] = [];
  const allowed = found.filter((address) => {
    const reason = dialing.refuse(address, port);
    if (reason) reasons.push(`${name} is ${address}: ${reason}`);
    return reason === undefined;
  });
  if (allowed.length === 0) throw new DestinationRefused(reasons.join('; '));
  return allowed;
}

/** For net.connect, which asks only for names: endpoints that are addresses were judged when they were configured. */
export function lookupFor(port: number, dialing: Dialing): LookupFunction {
  let turn = 0;
  return (name, options, done) => {
    addressesOf(name, port, dialing).then(
      (allowed) => {
        const start = turn++ % allowed.length;
        const inTurn = [...allowed.slice(start), ...allowed.slice(0, start)];
        const all = inTurn.map((address) => ({ address, family: isIP(address) }));
        if (options.all) done(null, all);
        else done(null, all[0]!.address, all[0]!.family);
      },
      (err: Error) => done(err, '', 0),
    );
  };
}
