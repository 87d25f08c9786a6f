// kubeconfig files: one for each process, and one context in the user's own file.
import { X509Certificate } from 'node:crypto';
import { parse, parseDocument, stringify } from 'yaml';
import { BadRequest } from '../base/errors';
import { type CertificateRequest, type KeyPair, whyReplace } from './certificate';
import { readIfThere, writePrivate } from './files';

export interface KubeconfigEntry {
  /** Name of cluster, context and user alike in a merged file: k8ts or k8ts-NAME. */
  readonly name: string;
  /** https://192.168.57.10:6443 */
  readonly server: string;
  /** PEM */
  readonly ca: string;
  readonly client: KeyPair;
}

interface NamedItem {
  readonly name: string;
  readonly [field: string]: unknown;
}
const lists = ['clusters', 'users', 'contexts'] as const;

function itemsOf(entry: KubeconfigEntry): Record<(typeof lists)[number], NamedItem> {
  const { name, server, ca, client } = entry;
  return {
    clusters: { name, cluster: { server, 'certificate-authority-data': base64(ca) } },
    users: {
      name,
      user: { 'client-certificate-data': base64(client.cert), 'client-key-data': base64(client.key) },
    },
    contexts: { name, context: { cluster: name, user: name } },
  };
}

/** A complete kubeconfig with this one entry as current context. */
export function renderKubeconfig(entry: KubeconfigEntry): string {
  const items = itemsOf(entry);
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [items.clusters],
    users: [items.users],
    contexts: [items.contexts],
    'current-context': entry.name,
    preferences: {},
  });
}

/**
 * The user's kubeconfig with this entry added or renewed and set as current; all else, comments included, stays unchanged.
 * `text` undefined or empty means there was none. @throws BadRequest when the text is not a kubeconfig
 */
export function mergeKubeconfig(text: string | undefined, entry: KubeconfigEntry): string {
  if (text === undefined || text.trim() === '') return renderKubeconfig(entry);
  const document = parseUserFile(text);
  const items = itemsOf(entry);
  for (const list of lists) {
    const present = (document.toJS()[list] ?? []) as readonly NamedItem[];
    const index = present.findIndex((item) => item.name === entry.name);
    if (present.length === 0) document.set(list, [items[list]]);
    else document.setIn([list, index < 0 ? present.length : index], document.createNode(items[list]));
  }
  document.set('current-context', entry.name);
  return document.toString();
}

/**
 * The user's kubeconfig without the entry; `previous` becomes current if the entry was. Undefined when no entry of the user
 * would be left. @throws BadRequest when the text is not a kubeconfig
 */
export function removeFromKubeconfig(text: string, name: string, previous?: string): string | undefined {
  const document = parseUserFile(text);
  for (const list of lists) {
    const present = (document.toJS()[list] ?? []) as readonly NamedItem[];
    const index = present.findIndex((item) => item.name === name);
    if (index < 0) continue;
    if (present.length === 1) document.set(list, []);
    else document.deleteIn([list, index]);
  }
  const rest = document.toJS() as Record<string, unknown>;
  if (lists.every((list) => ((rest[list] as readonly unknown[] | undefined) ?? []).length === 0)) return undefined;
  if (rest['current-context'] === name) {
    const known = (rest['contexts'] as readonly NamedItem[] | undefined)?.some((item) => item.name === previous);
    document.set('current-context', known ? previous : '');
  }
  return document.toString();
}

/** The current context's name, '' when none is set. */
export function currentContext(text: string | undefined): string {
  const file = text === undefined ? null : (parse(text) as Record<string, unknown> | null);
  const current = file?.['current-context'];
  return typeof current === 'string' ? current : '';
}

/** Writes the kubeconfig of one process unless a good one exists; returns the reason when it wrote. */
export async function ensureKubeconfig(
  path: string,
  authority: KeyPair,
  options: { readonly name: string; readonly server: string; readonly identity: CertificateRequest; nowMs?: number },
): Promise<string | undefined> {
  const nowMs = options.nowMs ?? Date.now();
  const { name, server, identity } = options;
  const text = await readIfThere(path);
  const reason = text === undefined ? 'it was missing' : whyRewrite(text, { authority, name, server, identity, nowMs });
  if (reason === undefined) return undefined;
  const { issueCertificate } = await import('./issue');
  const client = await issueCertificate(authority, identity, nowMs);
  await writePrivate(path, renderKubeconfig({ name, server, ca: authority.cert, client }));
  return reason;
}

function whyRewrite(
  text: string,
  want: { authority: KeyPair; name: string; server: string; identity: CertificateRequest; nowMs: number },
): string | undefined {
  const entry = readEntry(text, want.name);
  if (!entry) return 'it could not be read';
  if (entry.server !== want.server) return 'the server address has changed';
  if (entry.ca !== want.authority.cert) return 'it names another authority';
  return whyReplace(entry.client, want.identity, want.authority.cert, want.nowMs);
}

/** One entry with embedded data; undefined when the text does not hold all of it. */
export function readEntry(text: string, name: string): KubeconfigEntry | undefined {
  try {
    const file = parse(text) as Record<string, readonly NamedItem[] | undefined>;
    const cluster = file['clusters']?.find((item) => item.name === name)?.['cluster'] as Record<string, string>;
    const user = file['users']?.find((item) => item.name === name)?.['user'] as Record<string, string>;
    const ca = plain(cluster['certificate-authority-data']!);
    new X509Certificate(ca);
    const client = { cert: plain(user['client-certificate-data']!), key: plain(user['client-key-data']!) };
    return { name, server: cluster['server']!, ca, client };
  } catch {
    return undefined;
  }
}

function parseUserFile(text: string) {
  const document = parseDocument(text);
  const value = document.errors.length > 0 ? undefined : document.toJS();
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new BadRequest(`not a kubeconfig: ${document.errors[0]?.message ?? 'it is not a YAML mapping'}`);
  }
  return document;
}

const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
const plain = (data: string): string => Buffer.from(data, 'base64').toString('utf8');
