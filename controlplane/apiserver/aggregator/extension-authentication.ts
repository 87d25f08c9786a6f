// What aggregated API servers read to know their callers: the ConfigMap kube-system/extension-apiserver-authentication, which names the
// authorities of users and of this server, and the headers that name a user.
import type { ConfigMap } from '../../api/config-map';
import type { FrontProxyConfig } from '../authn/front-proxy';

export const extensionAuthenticationName = 'extension-apiserver-authentication';
/** The name in the certificate with which this server connects to them. */
const proxyName = 'front-proxy-client';
export const userHeader = 'X-Remote-User';
export const uidHeader = 'X-Remote-Uid';
export const groupHeader = 'X-Remote-Group';
export const extraHeaderPrefix = 'X-Remote-Extra-';

export interface ExtensionAuthentication {
  /** The authority of client certificates, PEM. */
  readonly clientCa: string;
  /** The authority of this server's certificate for aggregated API servers, PEM. */
  readonly proxyCa: string;
  /** Further servers whose headers name users. */
  readonly frontProxy?: FrontProxyConfig;
}

/** This server's own values first, then those of further front proxies. Keys that other programs have added stay. */
export function extensionAuthentication(
  { clientCa, proxyCa, frontProxy }: ExtensionAuthentication,
  found?: ConfigMap,
): ConfigMap {
  const list = (own: string, further: readonly string[] = []) => JSON.stringify([...new Set([own, ...further])]);
  // Without names, certificates with any name count.
  const names = frontProxy?.allowedNames.length === 0 ? '[]' : list(proxyName, frontProxy?.allowedNames);
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: extensionAuthenticationName, namespace: 'kube-system', ...found?.metadata },
    data: {
      ...found?.data,
      'client-ca-file': clientCa,
      'requestheader-allowed-names': names,
      'requestheader-client-ca-file': frontProxy ? `${proxyCa.trimEnd()}\n${frontProxy.ca}` : proxyCa,
      'requestheader-extra-headers-prefix': list(extraHeaderPrefix, frontProxy?.extraHeaderPrefixes),
      'requestheader-group-headers': list(groupHeader, frontProxy?.groupHeaders),
      'requestheader-uid-headers': list(uidHeader, frontProxy?.uidHeaders),
      'requestheader-username-headers': list(userHeader, frontProxy?.usernameHeaders),
    },
  };
}
