// The address of this machine towards another one: the sender `outside`. It asks the kernel for the route; nothing is sent.
import { isIP } from 'node:net';
import { BadRequest } from '../../controlplane/base/errors';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { askRoute } from '../../dataplane/hops/routes';

/** @throws BadRequest without a route */
export async function ownAddress(destination: string): Promise<string> {
  const decision = isIP(destination) === 0 ? undefined : await askRoute(new SystemExec(), { destination });
  if (decision?.kind === 'route' && decision.source !== undefined) return decision.source;
  throw new BadRequest('name the address of the sender in place of "outside": this machine has no route to the nodes');
}
