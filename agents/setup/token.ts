// `k8ts token`: an administrator creates, lists and deletes the tokens with which machines join.
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { configMaps, type Secret, secrets } from '../../controlplane/api';
import {
  type BootstrapToken,
  bootstrapTokenSecret,
  bootstrapTokenType,
  readBootstrapToken,
  tokenNamespace,
  tokenSecretKey,
} from '../../controlplane/api/bootstrap-token';
import { formatDuration } from '../../controlplane/api/table';
import { formatTime, systemClock } from '../../controlplane/base/clock';
import { AppError, BadRequest, isAlreadyExists, NotFound } from '../../controlplane/base/errors';
import type { Client } from '../../controlplane/client/client';
import { HttpsTransport } from '../../controlplane/client/https-transport';
import { type ConnectionOptions, loadKubeconfig } from '../../controlplane/client/kubeconfig';
import { createClient } from '../../controlplane/client/rest-client';
import { clusterInfoName, clusterInfoNamespace, pinOf, signatureKeyPrefix } from '../../controlplane/pki/cluster-info';
import { readShared } from '../../controlplane/pki/shared';
import {
  type OptionTable,
  type Parsed,
  parseBoolean,
  parseDuration,
  parseText,
} from '../../controlplane/process/options';
import { defineCommand } from '../../controlplane/process/process';
import { createSealKey } from './control-plane/sealed-files';
import { uploadShared } from './control-plane/upload';
import { parseToken } from './credentials/token-text';
import { serverPkiDir } from './layout';

const group = 'system:bootstrappers:kubeadm:default-node-token';
const usages = ['authentication', 'signing'];
const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';
/** The controllers sign cluster-info soon. Before that, a machine that joins would find its token unknown. */
const signedTimeoutMs = 60_000;
const maxIdTries = 5;

export const tokenOptions = {
  kubeconfig: {
    flag: 'kubeconfig',
    placeholder: 'FILE',
    default: '/etc/k8ts/admin.conf',
    help: 'how to reach the API as an administrator',
    parse: parseText,
  },
  ttl: {
    flag: 'ttl',
    placeholder: 'DURATION',
    default: '24h',
    help: 'create: how long machines may join with the token; 0: for ever',
    parse: parseDuration,
  },
  description: {
    flag: 'description',
    placeholder: 'TEXT',
    default: '',
    help: 'create: a text that list shows',
    parse: parseText,
  },
  printJoinCommand: {
    flag: 'print-join-command',
    default: 'false',
    help: 'create: print the whole k8ts join command for a machine',
    parse: parseBoolean,
  },
  controlPlane: {
    flag: 'control-plane',
    default: 'false',
    help: 'create: print the k8ts join command for a further control machine, and upload the certificates that it needs for two hours',
    parse: parseBoolean,
  },
} satisfies OptionTable;

export const command = defineCommand({
  name: 'token',
  summary: 'tokens that let machines join: create, list, delete ID',
  options: tokenOptions,
  arguments: 'create|list|delete [ID]',
  tool: true,
  async run({ options, positional, signal }) {
    for (const line of await runToken(positional, options, signal)) process.stdout.write(`${line}\n`);
  },
});

/** Returns the lines to print. @throws BadRequest for wrong arguments, and errors of the API */
export async function runToken(
  positional: readonly string[],
  options: Parsed<typeof tokenOptions>,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const [verb = '', ...rest] = positional;
  const work = verbs[verb];
  if (!work)
    throw new BadRequest(`expected create, list or delete, got ${JSON.stringify(verb)}; see k8ts token --help`);
  if (rest.length !== (verb === 'delete' ? 1 : 0)) {
    throw new BadRequest(verb === 'delete' ? 'delete takes one token, or its ID' : `${verb} takes no arguments`);
  }
  if (!existsSync(options.kubeconfig)) {
    throw new NotFound(
      `there is no ${options.kubeconfig}: run this on the control machine as root, or name an administrator's file with --kubeconfig`,
    );
  }
  const connection = await loadKubeconfig(options.kubeconfig);
  const transport = new HttpsTransport(connection);
  try {
    const client = createClient(transport, { userAgent: 'k8ts-token' });
    return await work({ client, connection, options, id: rest[0] ?? '' }, signal);
  } finally {
    transport.close();
  }
}

interface Task {
  readonly client: Client;
  readonly connection: ConnectionOptions;
  readonly options: {
    readonly ttl: number;
    readonly description: string;
    readonly printJoinCommand: boolean;
    readonly controlPlane: boolean;
  };
  readonly id: string;
}
/** Resolves with what is printed. */
type Verb = (task: Task, signal: AbortSignal) => Promise<readonly string[]>;

const verbs: Readonly<Record<string, Verb>> = {
  async create({ client, connection, options }, signal) {
    const { ttl, description, printJoinCommand, controlPlane } = options;
    if (controlPlane) return [await controlPlaneCommand(client, connection, description, signal)];
    const text = await createToken(client, { ttlMs: ttl, description }, signal);
    return [printJoinCommand ? joinCommand(connection, text) : text];
  },
  async list({ client }, signal) {
    return renderTokens((await listTokens(client, signal)).flatMap((secret) => readBootstrapToken(secret) ?? []));
  },
  async delete({ client, id: text }, signal) {
    const id = /^[a-z0-9]{6}$/.test(text) ? text : parseToken(text).id;
    try {
      await client.delete(secrets, tokenSecretKey(id), { signal });
    } catch (cause) {
      if (cause instanceof NotFound)
        throw new NotFound(`there is no token ${id}; \`k8ts token list\` shows the existing ones`);
      throw cause;
    }
    return [`token ${id} is deleted: machines that have joined with it stay`];
  },
};

/** Returns ID.SECRET once the cluster has signed with it. @throws Timeout when no controllers run */
export async function createToken(
  client: Client,
  { ttlMs, description = '' }: { readonly ttlMs: number; readonly description?: string },
  signal: AbortSignal,
): Promise<string> {
  const expiresAtMs = ttlMs === 0 ? undefined : Date.now() + ttlMs;
  for (let tries = 1; ; tries++) {
    const [id, secret] = [random(6), random(16)];
    try {
      const groups = [group];
      await client.create(secrets, bootstrapTokenSecret({ id, secret, description, usages, groups, expiresAtMs }), {
        signal,
      });
    } catch (err) {
      if (isAlreadyExists(err) && tries < maxIdTries) continue;
      throw err;
    }
    await untilSigned(client, id, signal);
    return `${id}.${secret}`;
  }
}

/** The command for the machine that joins, from the kubeconfig of this machine. @throws BadRequest */
export function joinCommand({ server, ca }: ConnectionOptions, token: string): string {
  if (ca === undefined) throw new BadRequest('the kubeconfig names no authority, so there is no hash to print');
  return `k8ts join ${server.replace(/^https:\/\//, '').replace(/\/$/, '')} --token=${token} --ca-cert-hash=${pinOf(ca)}`;
}

/** As kubeadm: sealed certificates stay in the cluster no longer than this. */
const uploadTtlMs = 2 * 3600 * 1000;

/** @throws NotFound on a machine that is no control machine */
async function controlPlaneCommand(
  client: Client,
  connection: ConnectionOptions,
  description: string,
  signal: AbortSignal,
): Promise<string> {
  const shared = await readShared(serverPkiDir).catch((cause: unknown) => {
    throw new NotFound('run this on a control machine as root: it uploads the certificates of that machine', { cause });
  });
  const token = await createToken(client, { ttlMs: uploadTtlMs, description }, signal);
  const sealKey = createSealKey();
  await uploadShared(client, shared, { sealKey, tokenId: parseToken(token).id });
  return `${joinCommand(connection, token)} --control-plane --certificate-key=${sealKey}`;
}

async function untilSigned(client: Client, id: string, signal: AbortSignal): Promise<void> {
  const limit = AbortSignal.timeout(signedTimeoutMs);
  const key = `${clusterInfoNamespace}/${clusterInfoName}`;
  const isSigned = (data: Readonly<Record<string, string>> = {}) => data[`${signatureKeyPrefix}${id}`] !== undefined;
  const fieldSelector = `metadata.name=${clusterInfoName}`;
  const until = AbortSignal.any([signal, limit]);
  try {
    for (;;) {
      const { data, metadata } = await client.get(configMaps, key, until);
      if (isSigned(data)) return;
      const params = {
        namespace: clusterInfoNamespace,
        fieldSelector,
        resourceVersion: metadata?.resourceVersion ?? '',
      };
      for await (const { object } of client.watch(configMaps, params, until)) if (isSigned(object.data)) return;
    }
  } catch (cause) {
    if (!limit.aborted) throw cause;
    const message =
      `token ${id} was created, but the controllers have not signed ConfigMap ${key} with it within ${signedTimeoutMs / 1000} s: do they ` +
      'run? (k8ts server --parts)';
    throw new AppError('Timeout', message, { cause });
  }
}

async function listTokens(client: Client, signal: AbortSignal): Promise<readonly Secret[]> {
  const params = { namespace: tokenNamespace, fieldSelector: `type=${bootstrapTokenType}` };
  return (await client.list(secrets, params, signal)).items;
}

/** TOKEN  TTL  EXPIRES  USAGES  DESCRIPTION. The token is shown: a user who lists tokens may read Secrets anyway. */
export function renderTokens(tokens: readonly BootstrapToken[], nowMs = systemClock.now()): readonly string[] {
  const rows = [
    ['TOKEN', 'TTL', 'EXPIRES', 'USAGES', 'DESCRIPTION'],
    ...tokens.map(({ id, secret, expiresAtMs, usages: own, description, problem }) => [
      `${id}.${secret}`,
      expiresAtMs === undefined ? '<forever>' : expiresAtMs > nowMs ? formatDuration(expiresAtMs - nowMs) : '<expired>',
      expiresAtMs === undefined || Number.isNaN(expiresAtMs) ? '<never>' : formatTime(expiresAtMs),
      own.join(',') || '<none>',
      problem === undefined ? description : `unusable: ${problem}`,
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]! + 3))
      .join('')
      .trimEnd(),
  );
}

/** Each character is equally likely. */
const random = (length: number): string => Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('');
