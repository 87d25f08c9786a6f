// Asks the Ingress proxy of this node whose requests it has forwarded.
import { describeError, Unavailable } from '../../controlplane/base/errors';
import { readHttpLines } from '../../controlplane/base/http-lines';
import type { IngressRequests } from '../../controlplane/base/traffic';

const timeoutMs = 2_000;
/** More than 2,000 lines of the longest names need. */
const maxLength = 4 * 1024 * 1024;

/** @param address HOST:PORT. @returns nothing when no proxy listens there: not each node has one. @throws Unavailable */
export async function readRequests(address: string): Promise<readonly IngressRequests[]> {
  const found: IngressRequests[] = [];
  try {
    await readHttpLines(`http://${address}/requests`, { timeoutMs, maxLength }, (line) => {
      const one: unknown = JSON.parse(line);
      if (!isRequests(one)) throw new Unavailable('another program answers there');
      found.push(one);
    });
    return found;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') return [];
    throw new Unavailable(`the Ingress proxy of this node does not say what it forwards: ${describeError(error)}`, {
      cause: error,
    });
  }
}

function isRequests(value: unknown): value is IngressRequests {
  const { ingress, service, endpoint, requests, failed } = (value ?? {}) as Partial<IngressRequests>;
  const names = [ingress, service, endpoint ?? ''].every((name) => typeof name === 'string');
  return names && Number.isSafeInteger(requests) && Number.isSafeInteger(failed);
}
