// Reads a kubeconfig file as kubectl does: current-context → cluster and user, with embedded data or files relative to it.
import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { parse } from 'yaml';
import { BadRequest, describeError } from '../base/errors';

/** The address of one API server and the user's credentials. PEM texts, not paths; a token file stays a path, as it is rotated. */
export interface ConnectionOptions {
  /** https://192.168.57.10:6443 */
  readonly server: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  /** The name to verify the server's certificate against, if it is not the host of `server`. */
  readonly tlsServerName?: string;
  readonly insecureSkipTlsVerify?: boolean;
}

interface KubeconfigFile {
  readonly 'current-context'?: string;
  readonly clusters?: readonly { readonly name: string; readonly cluster?: Readonly<Record<string, unknown>> }[];
  readonly users?: readonly { readonly name: string; readonly user?: Readonly<Record<string, unknown>> }[];
  readonly contexts?: readonly {
    readonly name: string;
    readonly context?: { readonly cluster?: string; readonly user?: string; readonly namespace?: string };
  }[];
}

/** @throws BadRequest that names the file and its fault. */
export async function loadKubeconfig(path: string, context?: string): Promise<ConnectionOptions> {
  try {
    return await resolveKubeconfig(await readFile(path, 'utf8'), dirname(path), context);
  } catch (cause) {
    throw new BadRequest(`kubeconfig ${path}: ${describeError(cause)}`, { cause });
  }
}

/** The namespace of the current context, as kubectl takes it; `default` without one. @throws BadRequest that names the file and its fault */
export async function contextNamespace(path: string): Promise<string> {
  try {
    const file = parse(await readFile(path, 'utf8')) as KubeconfigFile | null;
    const current = file?.['current-context'];
    return file?.contexts?.find(({ name }) => name === current)?.context?.namespace || 'default';
  } catch (cause) {
    throw new BadRequest(`kubeconfig ${path}: ${describeError(cause)}`, { cause });
  }
}

/** Relative file names in the text start at `directory`. @throws BadRequest, or the error of reading a file */
export async function resolveKubeconfig(
  text: string,
  directory: string,
  contextName?: string,
): Promise<ConnectionOptions> {
  const file = parse(text) as KubeconfigFile | null;
  if (file === null || typeof file !== 'object') throw new BadRequest('not a YAML mapping');
  const wanted = contextName ?? file['current-context'];
  if (!wanted) throw new BadRequest('current-context is not set');
  const context = named(file.contexts, wanted, 'context').context ?? {};
  const cluster = named(file.clusters, context.cluster ?? '', 'cluster').cluster ?? {};
  const user = context.user ? (named(file.users, context.user, 'user').user ?? {}) : {};
  for (const unsupported of ['exec', 'auth-provider', 'username']) {
    if (user[unsupported] !== undefined) {
      throw new BadRequest(
        `user ${context.user}: ${unsupported} is not supported; use a client certificate or a token`,
      );
    }
  }
  const server = textOf(cluster, 'server');
  if (!server || !/^https?:\/\//.test(server)) {
    throw new BadRequest(`cluster ${context.cluster}: server must be an http or https URL`);
  }
  const pem = (from: Readonly<Record<string, unknown>>, name: string) => embeddedOrFile(from, name, directory);
  const [ca, cert, key] = await Promise.all([
    pem(cluster, 'certificate-authority'),
    pem(user, 'client-certificate'),
    pem(user, 'client-key'),
  ]);
  if ((cert === undefined) !== (key === undefined)) {
    throw new BadRequest(`user ${context.user}: client-certificate and client-key must be given together`);
  }
  const tokenFile = textOf(user, 'tokenFile');
  return {
    server,
    ca,
    cert,
    key,
    token: textOf(user, 'token'),
    tokenFile: tokenFile === undefined ? undefined : absolute(tokenFile, directory),
    tlsServerName: textOf(cluster, 'tls-server-name'),
    insecureSkipTlsVerify: cluster['insecure-skip-tls-verify'] === true,
  };
}

function named<T extends { readonly name: string }>(list: readonly T[] | undefined, name: string, what: string): T {
  const found = list?.find((entry) => entry.name === name);
  if (!found) throw new BadRequest(`there is no ${what} named ${JSON.stringify(name)}`);
  return found;
}

function textOf(from: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = from[name];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string') throw new BadRequest(`${name} must be text`);
  return value;
}

const absolute = (path: string, directory: string): string => (isAbsolute(path) ? path : join(directory, path));

/** `name-data` (base64) wins over the file `name`, as in kubectl. */
async function embeddedOrFile(
  from: Readonly<Record<string, unknown>>,
  name: string,
  directory: string,
): Promise<string | undefined> {
  const data = textOf(from, `${name}-data`);
  if (data !== undefined) return Buffer.from(data, 'base64').toString('utf8');
  const path = textOf(from, name);
  return path === undefined ? undefined : readFile(absolute(path, directory), 'utf8');
}
