// What aggregated API servers read to know their callers: the ConfigMap kube-system/extension-apiserver-authentication, which names the
// authorities of users and of this server, and the headers that name a user.
import type { ConfigMap } from '../../api/config-map';

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
}

/** Keys that other programs have added stay. */
export function extensionAuthentication({ clientCa, proxyCa }: ExtensionAuthentication, found?: ConfigMap): ConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: extensionAuthenticationName, namespace: 'kube-system', ...found?.metadata },
    data: {
      ...found?.data,
      'client-ca-file': clientCa,
      'requestheader-allowed-names': JSON.stringify([proxyName]),
      'requestheader-client-ca-file': proxyCa,
      'requestheader-extra-headers-prefix': JSON.stringify([extraHeaderPrefix]),
      'requestheader-group-headers': JSON.stringify([groupHeader]),
      'requestheader-uid-headers': JSON.stringify([uidHeader]),
      'requestheader-username-headers': JSON.stringify([userHeader]),
    },
  };
}
