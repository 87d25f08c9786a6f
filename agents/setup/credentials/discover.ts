// Finds the authority of a cluster from the text that the control machine printed. It reads the authority from a server that is
// not trusted yet, and accepts it if its key has the hash, the token has signed it, and the server has a certificate of it.
// Source: kubeadm's token-based discovery with CA pinning.
import { configMaps } from '../../../controlplane/api';
import {
  AppError,
  describeError,
  hasCode,
  isNotFound,
  isUnavailable,
  Unavailable,
} from '../../../controlplane/base/errors';
import type { Client } from '../../../controlplane/client/client';
import { HttpsTransport } from '../../../controlplane/client/https-transport';
import type { ConnectionOptions } from '../../../controlplane/client/kubeconfig';
import { createClient } from '../../../controlplane/client/rest-client';
import {
  clusterInfoName,
  clusterInfoNamespace,
  isSignedWith,
  kubeconfigKey,
  pinOf,
  readClusterInfo,
  signatureKeyPrefix,
} from '../../../controlplane/pki/cluster-info';
import { parseHashes, parseServer, parseToken } from './token-text';
import type { Discover, DiscoverOptions, Discovery } from './types';

const answerTimeoutMs = 10_000;
const infoKey = `${clusterInfoNamespace}/${clusterInfoName}`;

/** See {@link Discover}. */
export const discover: Discover = async (options: DiscoverOptions): Promise<Discovery> => {
  const server = parseServer(options.server);
  const { id, secret } = parseToken(options.token);
  const hashes = parseHashes(options.caHash);
  const data = await readInfo({ server, insecureSkipTlsVerify: true }, options.signal);
  const kubeconfig = data[kubeconfigKey] ?? '';
  const { caPem } = readInfoText(server, kubeconfig);
  const pin = pinOf(caPem);
  if (!hashes.includes(pin)) {
    throw unauthorized(
      `${server} is not the cluster that was meant: its authority has the hash ${pin}, not ${hashes.join(' or ')}; compare ` +
        'with what `k8ts token create --print-join-command` prints on the control machine',
    );
  }
  const signature = data[`${signatureKeyPrefix}${id}`];
  if (signature === undefined) throw unauthorized(unknownToken(id));
  if (!isSignedWith(kubeconfig, signature, id, secret)) {
    throw unauthorized(
      `the secret of token ${id} is another one: the part behind the dot was not copied as it was printed; ${makeAnother}`,
    );
  }
  // Only a server with a certificate of this authority can answer this request; before, any server could have copied the text.
  await readInfo({ server, ca: caPem }, options.signal);
  return { server, caPem };
};

export const makeAnother = 'on the control machine, `k8ts token create --print-join-command` makes another';
export const unknownToken = (id: string): string =>
  `token ${id} is unknown to the cluster, or its time is over (24 hours unless said otherwise); ${makeAnother}`;

const unauthorized = (message: string) => new AppError('Unauthorized', message);

async function readInfo(
  connection: ConnectionOptions,
  signal: AbortSignal | undefined,
): Promise<Readonly<Record<string, string>>> {
  const { server } = connection;
  const transport = new HttpsTransport(connection, { answerTimeoutMs });
  try {
    const client: Client = createClient(transport, { userAgent: 'k8ts-join' });
    return (await client.get(configMaps, infoKey, signal)).data ?? {};
  } catch (err) {
    signal?.throwIfAborted();
    throw explain(server, err);
  } finally {
    transport.close();
  }
}

function explain(server: string, err: unknown): AppError {
  const cause = { cause: err };
  if (isUnavailable(err) && /altnames|certificate/i.test(describeError(err))) {
    const message =
      `${server} shows no certificate for this address that the cluster's authority has signed; use the address that ` +
      '`k8ts token create --print-join-command` prints on the control machine';
    return new AppError('Unauthorized', message, cause);
  }
  if (isUnavailable(err)) {
    const message =
      `no API server answers at ${server}: is it running on the control machine, and does this machine reach it (same ` +
      `network, no firewall between)? Look with: curl -k ${server}/healthz`;
    return new Unavailable(message, cause);
  }
  if (isNotFound(err) || hasCode(err, 'Unauthorized') || hasCode(err, 'Forbidden')) {
    const message = `${server} does not let machines that join read ConfigMap ${infoKey}; a k8ts server makes it at its start`;
    return new AppError('Unauthorized', message, cause);
  }
  return err instanceof AppError ? err : new Unavailable(`${server} does not answer as an API server`, cause);
}

function readInfoText(server: string, kubeconfig: string): { caPem: string } {
  try {
    return readClusterInfo(kubeconfig);
  } catch (cause) {
    throw new AppError('Unauthorized', `ConfigMap ${infoKey} of ${server} names no authority`, { cause });
  }
}
