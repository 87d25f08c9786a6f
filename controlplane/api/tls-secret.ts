// Whether the certificate and the key of a Secret of type kubernetes.io/tls belong together, in the words of Go's crypto/tls. Only a warning:
// clients such as cert-manager store one before the other.
import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';

interface PemBlock {
  readonly type: string;
  /** The complete block. */
  readonly text: string;
}

const first = /^-----BEGIN ([^\n\r]+)-----$/;

/** Blocks of RFC 7468; one whose end has another label, or none, is no block. Each line is read once. */
function pemBlocks(text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  let open: { readonly type: string; readonly lines: string[] } | undefined;
  for (const line of text.split(/\r?\n/)) {
    const type = line.startsWith('-----BEGIN ') ? first.exec(line.trimEnd())?.[1] : undefined;
    if (type !== undefined) open = { type, lines: [line] };
    else if (open) {
      open.lines.push(line);
      if (!line.startsWith('-----END ')) continue;
      if (line.trimEnd() === `-----END ${open.type}-----`)
        blocks.push({ type: open.type, text: open.lines.join('\n') });
      open = undefined;
    }
  }
  return blocks;
}

const isKey = ({ type }: PemBlock): boolean => type === 'PRIVATE KEY' || type.endsWith(' PRIVATE KEY');
const isCertificate = ({ type }: PemBlock): boolean => type === 'CERTIFICATE';
const typesOf = (blocks: readonly PemBlock[]): string => `[${blocks.map(({ type }) => type).join(' ')}]`;

/** Undefined when both fit. @param certificate, key PEM */
export function whyNoKeyPair(certificate: string, key: string): string | undefined {
  const certificates = pemBlocks(certificate);
  const keys = pemBlocks(key);
  const first = certificates.find(isCertificate);
  const own = keys.find(isKey);
  if (!first) return `tls: ${missingCertificate(certificates)}`;
  if (!own) return `tls: ${missingKey(keys)}`;
  const subject = publicKeyOf(first);
  if (!subject) return 'x509: malformed certificate';
  const secret = privateKeyOf(own);
  if (!secret) return 'tls: failed to parse private key';
  if (secret.asymmetricKeyType !== subject.asymmetricKeyType)
    return 'tls: private key type does not match public key type';
  return createPublicKey(secret).equals(subject) ? undefined : 'tls: private key does not match public key';
}

function missingCertificate(found: readonly PemBlock[]): string {
  const [only] = found;
  if (!only) return 'failed to find any PEM data in certificate input';
  if (found.length === 1 && isKey(only)) {
    return (
      'failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been ' +
      'switched'
    );
  }
  return `failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: ${typesOf(found)}`;
}

function missingKey(found: readonly PemBlock[]): string {
  const [only] = found;
  if (!only) return 'failed to find any PEM data in key input';
  if (found.length === 1 && isCertificate(only)) {
    return 'found a certificate rather than a key in the PEM for the private key';
  }
  return (
    'failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the following ' +
    `types: ${typesOf(found)}`
  );
}

function publicKeyOf({ text }: PemBlock): KeyObject | undefined {
  try {
    return new X509Certificate(text).publicKey;
  } catch {
    return undefined;
  }
}

/** An encrypted key cannot be read: Go's parser does not decrypt either. */
function privateKeyOf({ text }: PemBlock): KeyObject | undefined {
  try {
    return createPrivateKey(text);
  } catch {
    return undefined;
  }
}
