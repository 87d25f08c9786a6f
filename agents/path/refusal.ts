// The answer to a user without rights, by the command and by the API alike.
import { AppError, hasCode } from '../../controlplane/base/errors';
import { ChangeRefused } from './rehearse';

/** Rethrows what the finder threw. @throws Forbidden with the name of the role, and everything else as it is */
export function withRole(error: unknown): never {
  if (!hasCode(error, 'Forbidden') || error instanceof ChangeRefused || namesRole(error)) throw error;
  // No role of k8ts gives Secrets away: the certificate of an Ingress is in one.
  const who = /\bsecrets?\b/.test(error.message)
    ? 'the path of an https URL needs the right to get this Secret, which ClusterRole k8ts:path does not have; ask for http, or have a Role made'
    : 'ClusterRole k8ts:path has the rights that this needs';
  const message = `${error.message}; ${who}`;
  throw new AppError('Forbidden', message, { cause: error });
}

/** The server names it for kinds of path.k8ts.io. */
const namesRole = ({ message }: AppError): boolean => message.includes('; ClusterRole k8ts:');
