// The resolver configuration of the machine, in a form that other network namespaces can use: pods inherit it, and DNS servers ask its servers.
import { readFile } from 'node:fs/promises';

/** Where systemd-resolved lists the servers behind its own stub. Source: systemd-resolved.service(8), "/etc/resolv.conf". */
export const resolvedServersPath = '/run/systemd/resolve/resolv.conf';
/** The stub's two addresses, which pods and other network namespaces cannot reach. */
const stubs: ReadonlySet<string> = new Set(['127.0.0.53', '127.0.0.54']);

/**
 * The text of the file; where it names nothing but systemd-resolved's stub, that of the list behind the stub. '' when there is
 * no such file.
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
