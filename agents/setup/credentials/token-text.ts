// Parses pasted text: a token, an address, a hash. Strict, so that a mistake is found before any request is sent.
import { BadRequest } from '../../../controlplane/base/errors';

export interface TokenText {
  readonly id: string;
  readonly secret: string;
}

/** @throws BadRequest */
export function parseToken(text: string): TokenText {
  const [, id, secret] = /^([a-z0-9]{6})\.([a-z0-9]{16})$/.exec(text) ?? [];
  if (id !== undefined && secret !== undefined) return { id, secret };
  throw new BadRequest(
    'the token is malformed: expected ID.SECRET, six and sixteen characters of a-z and 0-9; on the control machine, ' +
      '`k8ts token create --print-join-command` prints the whole command to run here',
  );
}

/** https://HOST:PORT for HOST:PORT, HOST, or the URL itself; the port is 6443 unless given. @throws BadRequest */
export function parseServer(text: string): string {
  const [, host, port = '6443'] = /^(?:https:\/\/)?(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::(\d{1,5}))?\/?$/i.exec(text) ?? [];
  if (host === undefined)
    throw new BadRequest(`${JSON.stringify(text)} is not a server: expected HOST:PORT, like 192.168.56.10:6443`);
  return `https://${host}:${port}`;
}

/** One or several, comma-joined; in lower case. @throws BadRequest */
export function parseHashes(text: string): readonly string[] {
  const hashes = text
    .split(',')
    .map((hash) => hash.trim().toLowerCase())
    .filter((hash) => hash !== '');
  const wrong = hashes.find((hash) => !/^sha256:[0-9a-f]{64}$/.test(hash));
  if (hashes.length > 0 && wrong === undefined) return hashes;
  throw new BadRequest(
    `the hash of the cluster's authority is ${wrong === undefined ? 'missing' : 'malformed'}: expected sha256: and 64 ` +
      'hexadecimal digits; `k8ts token create --print-join-command` prints it on the control machine',
  );
}
