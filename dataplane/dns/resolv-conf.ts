// The machine's resolver configuration, in a form that works in other network namespaces: pods inherit it, and the DNS server
// forwards to its servers.
import { readFile } from 'node:fs/promises';

/**
 * The file in which systemd-resolved lists the servers that its stub uses. Source: systemd-resolved.service(8),
 * "/etc/resolv.conf".
 */
export const resolvedServersPath = '/run/systemd/resolve/resolv.conf';
/** The stub's two addresses, which pods and other network namespaces cannot reach. */
const stubs: ReadonlySet<string> = new Set(['127.0.0.53', '127.0.0.54']);

/**
 * The text of the file at `path`. When that names only systemd-resolved's stub: the text of systemd-resolved's own list. ''
 * when the file does not exist.
 */
export async function readHostResolvConf(path: string, read = readText): Promise<string> {
  const text = (await read(path)) ?? '';
  const servers = nameServersIn(text);
  const onlyStub = servers.length > 0 && servers.every((server) => stubs.has(server));
  return onlyStub ? ((await read(resolvedServersPath)) ?? text) : text;
}

/** The name servers of a resolv.conf, in order. */
export const nameServersIn = (text: string): string[] =>
  [...text.matchAll(/^[ \t]*nameserver[ \t]+(\S+)/gm)].map((match) => match[1]!);

const readText = (path: string): Promise<string | undefined> => readFile(path, 'utf8').catch(() => undefined);
