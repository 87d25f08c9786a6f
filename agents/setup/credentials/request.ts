// Requests the credentials of a node, first with a bootstrap token and then as the node itself. Keys are created here and never leave the
// machine. Each file is written as soon as its certificate is issued, so a second run continues where the first one stopped.
import { isIP } from 'node:net';
import { join } from 'node:path';
import { nodes } from '../../../controlplane/api';
import { dns1123Subdomain } from '../../../controlplane/api/validation/names';
import { AlreadyExists, AppError, BadRequest, hasCode } from '../../../controlplane/base/errors';
import type { Logger } from '../../../controlplane/base/logger';
import { orderCertificate } from '../../../controlplane/client/certificates';
import type { Client } from '../../../controlplane/client/client';
import { HttpsTransport } from '../../../controlplane/client/https-transport';
import type { ConnectionOptions } from '../../../controlplane/client/kubeconfig';
import { createClient } from '../../../controlplane/client/rest-client';
import type { KeyPair } from '../../../controlplane/pki/certificate';
import { createRequest } from '../../../controlplane/pki/certificate-request';
import { type NodeCredential, nodeCredentials } from '../../../controlplane/pki/node-credentials';
import {
  type CredentialName,
  ensureAuthority,
  type FoundCredential,
  type NodeFiles,
  readCredential,
  writeCredential,
} from '../../../controlplane/pki/node-files';
import { makeAnother, unknownToken } from './discover';
import { judgeMembership, type Missing, planCredentials } from './plan';
import { type NodeIdentity, registerNode } from './register';
import { parseToken } from './token-text';
import type { NodeCredentialsRequest, RequestNodeCredentials } from './types';

/** Approval and signing take less than a second, or up to a minute for the name of a node that has just died. */
const orderTimeoutMs = 300_000;

/** See {@link RequestNodeCredentials}. */
export const requestNodeCredentials: RequestNodeCredentials = async (request, signal) => {
  const { server, caPem, dir, log } = request;
  const node = checkIdentity(request);
  const cluster = { server: request.kubeconfigServer ?? server, caPem };
  const files = { dir, pkiDir: join(dir, 'pki') };
  const written = (await ensureAuthority(files, caPem)) ? ['pki/ca.crt: it was missing, or another one'] : [];
  const credentials = nodeCredentials({ name: node.name, ip: node.addresses.join(',') });
  const found = await readAll(files, credentials);
  const missing = planCredentials(credentials, found, cluster, Date.now());
  const [first, ...others] = missing;
  if (!first) return written;
  const write = async ({ credential }: Missing, client: Client): Promise<KeyPair> => {
    const pair = await order(client, credential, log, signal);
    await writeCredential(files, credential.name, pair, cluster);
    return pair;
  };
  const isOwn = first.credential.name === 'kubelet';
  const own = isOwn
    ? await withClient({ server, ca: caPem, token: tokenOf(request, first) }, (client) =>
        asMachine(request.token, async () => {
          await checkMembership(client, node, log);
          return write(first, client);
        }),
      )
    : found.get('kubelet')!.pair;
  await withClient({ server, ca: caPem, ...own }, async (client) => {
    await registerNode(client, node, Date.now());
    // All at the same time, because each request mostly waits. The next run requests the credentials that this run does not get.
    const orders = (isOwn ? others : missing).map((one) => write(one, client));
    const failed = (await Promise.allSettled(orders)).find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
  });
  return [...written, ...missing.map(({ credential, reason }) => `${fileOf(credential.name)}: ${reason}`)];
};

async function readAll(
  files: NodeFiles,
  credentials: readonly NodeCredential[],
): Promise<ReadonlyMap<string, FoundCredential>> {
  const found = new Map<string, FoundCredential>();
  for (const { name } of credentials) {
    const one = await readCredential(files, name);
    if (one) found.set(name, one);
  }
  return found;
}

/** The name of a file in messages. */
const fileOf = (name: CredentialName): string => (name === 'serving' ? 'pki/kubelet.crt' : `${name}.conf`);

/** @throws BadRequest */
function checkIdentity({ nodeName, nodeIp }: NodeCredentialsRequest): NodeIdentity {
  const wrong = dns1123Subdomain(nodeName)[0];
  if (wrong !== undefined) throw new BadRequest(`node name ${JSON.stringify(nodeName)}: ${wrong}`);
  const addresses = nodeIp.split(',').map((address) => address.trim());
  const bad = addresses.find((address) => isIP(address) === 0 || /^(127\.|0\.|::1?$)/.test(address));
  if (bad !== undefined) {
    throw new BadRequest(
      `node address ${JSON.stringify(bad)}: expected the IP address at which other nodes reach this one (--node-ip)`,
    );
  }
  return { name: nodeName, addresses };
}

/** @throws BadRequest when a token is needed and missing */
function tokenOf({ token, dir }: NodeCredentialsRequest, { reason }: Missing): string {
  if (token !== '') {
    parseToken(token);
    return token;
  }
  throw new BadRequest(`a token is needed: ${dir}/kubelet.conf cannot be used (${reason}); ${makeAnother}`);
}

async function withClient<T>(connection: ConnectionOptions, use: (client: Client) => Promise<T>): Promise<T> {
  const transport = new HttpsTransport(connection);
  try {
    return await use(createClient(transport, { userAgent: 'k8ts-join' }));
  } finally {
    transport.close();
  }
}

/** Adds the reason to the error of a refused token. */
async function asMachine<T>(token: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (err) {
    if (!hasCode(err, 'Unauthorized')) throw err;
    throw new AppError('Unauthorized', unknownToken(parseToken(token).id), { cause: err });
  }
}

/** Must be called before any request. @throws AlreadyExists */
async function checkMembership(client: Client, { name, addresses }: NodeIdentity, log: Logger): Promise<void> {
  const { items } = await client.list(nodes);
  const membership = judgeMembership(items, name, addresses);
  if (membership.verdict === 'taken') throw new AlreadyExists(membership.message);
  if (membership.verdict === 'returning') {
    log.info('this node was Ready a moment ago: this machine gets its name when the node has not reported for 40 s', {
      node: name,
    });
  }
}

async function order(client: Client, credential: NodeCredential, log: Logger, signal: AbortSignal): Promise<KeyPair> {
  const { desired, signerName, usages, name } = credential;
  const { request, key } = await createRequest(desired);
  const limit = AbortSignal.timeout(orderTimeoutMs);
  let created = '';
  const onCreated = (requestName: string) => {
    created = requestName;
    log.info('certificate requested', { file: fileOf(name), request: requestName });
  };
  try {
    const desired = { signerName, request, usages, namePrefix: 'node-csr-', onCreated };
    return { cert: await orderCertificate(client, desired, AbortSignal.any([signal, limit])), key };
  } catch (err) {
    if (signal.aborted || !limit.aborted) throw err;
    throw new AppError(
      'Timeout',
      `certificate request ${created || '(not created)'} was not signed within ${orderTimeoutMs / 60_000} minutes; on the ` +
        `control machine, see why: kubectl describe csr ${created}; or allow it: kubectl certificate approve ${created}`,
      { cause: err },
    );
  }
}
