// The answer to a user without rights, by the command and by the API alike.
import { AppError, hasCode } from '../../controlplane/base/errors';
import { ChangeRefused } from './rehearse';

/** Rethrows what the finder threw. @throws Forbidden with the name of the role, and everything else as it is */
export function withRole(error: unknown): never {
  if (!hasCode(error, 'Forbidden') || error instanceof ChangeRefused || namesRole(error)) throw error;
  const message = `${error.message}; ClusterRole k8ts:path has the rights that this needs`;
  throw new AppError('Forbidden', message, { cause: error });
}

/** The server names it for kinds of path.k8ts.io. */
const namesRole = ({ message }: AppError): boolean => message.includes('; ClusterRole k8ts:');
