// Options of `k8ts server` about front proxies: servers before this one that authenticate users and name them in headers.
import { readFile } from 'node:fs/promises';
import { readBundle } from '../apiserver/authn/authorities';
import type { FrontProxyConfig } from '../apiserver/authn/front-proxy';
import { BadRequest } from '../base/errors';
import { type OptionTable, type Parsed, parseText } from '../process/options';

/** Comma-joined; spaces around a name do not count. */
function parseNames(text: string): readonly string[] {
  if (text === '') return [];
  const names = text.split(',').map((name) => name.trim());
  if (names.includes('')) throw new BadRequest('a name is empty');
  return names;
}

function parseUidHeaders(text: string): readonly string[] {
  const names = parseNames(text);
  if (names.length > 0 && !names.some((name) => name.toLowerCase() === 'x-remote-uid')) {
    throw new BadRequest('set without specifying the standard X-Remote-Uid header - API aggregation will not work');
  }
  return names;
}

const headers = { placeholder: 'LIST', default: '', parse: parseNames };

export const frontProxyOptions = {
  requestheaderClientCaFile: {
    flag: 'requestheader-client-ca-file',
    placeholder: 'FILE',
    default: '',
    help: 'authorities, PEM, of front proxies: servers that authenticate users and name them in headers; absent: such headers are ignored',
    parse: parseText,
  },
  requestheaderAllowedNames: {
    ...headers,
    flag: 'requestheader-allowed-names',
    help: "common names of front proxies' certificates; empty: any of these authorities",
  },
  requestheaderUsernameHeaders: {
    ...headers,
    flag: 'requestheader-username-headers',
    help: 'headers with the name of the user, the first one with a value counts: X-Remote-User',
  },
  requestheaderUidHeaders: {
    ...headers,
    flag: 'requestheader-uid-headers',
    help: 'headers with the uid of the user: X-Remote-Uid',
    parse: parseUidHeaders,
  },
  requestheaderGroupHeaders: {
    ...headers,
    flag: 'requestheader-group-headers',
    help: 'headers with groups, all of them count: X-Remote-Group',
  },
  requestheaderExtraHeadersPrefix: {
    ...headers,
    flag: 'requestheader-extra-headers-prefix',
    help: 'beginnings of headers with further facts about the user: X-Remote-Extra-',
  },
} satisfies OptionTable;

/** Undefined without a file. @throws BadRequest for a file without certificates, NodeJS.ErrnoException */
export async function readFrontProxy(options: Parsed<typeof frontProxyOptions>): Promise<FrontProxyConfig | undefined> {
  const file = options.requestheaderClientCaFile;
  if (file === '') return undefined;
  const ca = await readFile(file, 'utf8');
  if (!hasCertificates(ca)) throw new BadRequest(`--requestheader-client-ca-file: ${file} has no certificate in PEM`);
  return {
    ca,
    allowedNames: options.requestheaderAllowedNames,
    usernameHeaders: options.requestheaderUsernameHeaders,
    uidHeaders: options.requestheaderUidHeaders,
    groupHeaders: options.requestheaderGroupHeaders,
    extraHeaderPrefixes: options.requestheaderExtraHeadersPrefix,
  };
}

function hasCertificates(pem: string): boolean {
  try {
    return readBundle(pem).length > 0;
  } catch {
    return false;
  }
}
