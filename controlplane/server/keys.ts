// Reads the server's key material from its directory.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ApiServerKeys } from '../apiserver/options';

/** @throws NodeJS.ErrnoException naming the file that is missing */
export async function readKeys(dir: string): Promise<ApiServerKeys> {
  const read = (name: string) => readFile(join(dir, name), 'utf8');
  return {
    ca: await read('ca.crt'),
    certificate: await read('apiserver.crt'),
    key: await read('apiserver.key'),
    kubeletClientCertificate: await read('apiserver-kubelet-client.crt'),
    kubeletClientKey: await read('apiserver-kubelet-client.key'),
    proxyCa: await read('front-proxy-ca.crt'),
    proxyClientCertificate: await read('front-proxy-client.crt'),
    proxyClientKey: await read('front-proxy-client.key'),
    serviceAccountKey: await read('sa.key'),
    serviceAccountPublicKey: await read('sa.pub'),
  };
}
