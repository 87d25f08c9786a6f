// A certificate for an approved request: the requested subject and names, the allowed usages and time.
import {
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
} from '@peculiar/x509';
import type { KeyPair } from './certificate';
import type { ParsedRequest } from './certificate-request';
import { signLeaf } from './issue';
import { certificateUsages } from './usages';

export interface SigningTerms {
  /** As the API object names them: 'client auth', 'digital signature'. */
  readonly usages: readonly string[];
  /** Counted from now; the authority's own end cuts it short. */
  readonly lifetimeMs: number;
}

/** Never an authority, whatever the request says. PEM. @throws BadRequest for an unknown usage, or an authority that ended */
export async function signRequest(
  authority: KeyPair,
  request: ParsedRequest,
  terms: SigningTerms,
  nowMs: number,
): Promise<string> {
  const { flags, purposes } = certificateUsages(terms.usages);
  const names = [
    ...request.dnsNames.map((value) => ({ type: 'dns' as const, value })),
    ...request.ipAddresses.map((value) => ({ type: 'ip' as const, value })),
    ...request.emailAddresses.map((value) => ({ type: 'email' as const, value })),
    ...request.uris.map((value) => ({ type: 'url' as const, value })),
  ];
  const extensions = [
    new BasicConstraintsExtension(false, undefined, true),
    ...(flags === 0 ? [] : [new KeyUsagesExtension(flags, true)]),
    ...(purposes.length === 0 ? [] : [new ExtendedKeyUsageExtension([...purposes])]),
    ...(names.length === 0 ? [] : [new SubjectAlternativeNameExtension(names)]),
  ];
  const { publicKey, subjectName } = request.raw;
  const { lifetimeMs } = terms;
  return signLeaf(authority, { subject: subjectName, publicKey, extensions, lifetimeMs }, nowMs);
}
