// The certificate and key of the kubelet's HTTPS server: read from their files, and passed to the server again after a change.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** PEM texts. */
export interface ServingPair {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export class ServingCertificate {
  private readonly listeners: Array<(pair: ServingPair) => void> = [];

  private constructor(
    private readonly pkiDir: string,
    private pair: ServingPair,
  ) {}

  /** @throws NodeJS.ErrnoException naming the file that is missing */
  static async open(pkiDir: string): Promise<ServingCertificate> {
    return new ServingCertificate(pkiDir, await read(pkiDir));
  }

  get current(): ServingPair {
    return this.pair;
  }

  /** Called with each new pair. Connections that are open keep the old one. */
  onChange(listener: (pair: ServingPair) => void): void {
    this.listeners.push(listener);
  }

  /** Reads the files again. Ignores a certificate without its key: the other file is about to be replaced. @throws as open() does */
  async reload(): Promise<void> {
    const pair = await read(this.pkiDir);
    if (pair.cert === this.pair.cert && pair.key === this.pair.key && pair.ca === this.pair.ca) return;
    if (!new X509Certificate(pair.cert).checkPrivateKey(createPrivateKey(pair.key))) return;
    this.pair = pair;
    for (const listener of this.listeners) listener(pair);
  }
}

async function read(pkiDir: string): Promise<ServingPair> {
  const pem = (name: string) => readFile(join(pkiDir, name), 'utf8');
  const [ca, cert, key] = await Promise.all(['ca.crt', 'kubelet.crt', 'kubelet.key'].map(pem));
  return { ca: ca!, cert: cert!, key: key! };
}
