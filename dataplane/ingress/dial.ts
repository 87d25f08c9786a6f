// From a backend's name to an address that the proxy may connect to. The addresses of each look-up are checked, and the
// connection uses exactly these addresses: a name whose addresses change a moment later (DNS rebinding) gains nothing.
import { getServers } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { isIP } from 'node:net';
import { describeError } from '../../controlplane/base/errors';
import { refusedName, refusedRange } from './destination';
import { Names, resolveBy } from './names';

export interface Dialing {
  readonly lookup: (name: string) => Promise<readonly string[]>;
  /** Why the proxy must not connect to this address; undefined when it may. */
  readonly refuse: (address: string, port: number) => string | undefined;
}

/** The name that a user chose leads only to refused addresses. */
export class DestinationRefused extends Error {
  readonly code = 'EDESTINATION';
}

/** The name servers have no address for the name, or did not answer. */
export class NameNotResolved extends Error {
  readonly code = 'ENAME';
}

/** Uses the node's own name servers; refuses addresses that only the node has. */
export function defaultDialing(): Dialing {
  const names = new Names(resolveBy(getServers()));
  return { lookup: (name) => names.lookup(name), refuse: refusedRange };
}

/** The allowed addresses of `name`. @throws NameNotResolved; DestinationRefused when none is allowed */
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

/** For net.connect, which looks up only names: endpoints that are addresses were checked when they were configured. */
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
