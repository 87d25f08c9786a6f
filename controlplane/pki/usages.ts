// The key usages of a CertificateSigningRequest as the fields of a certificate. Names: certificates.k8s.io/v1 KeyUsage;
// numbers: RFC 5280, 4.2.1.3 and 4.2.1.12. Pure.
import { KeyUsageFlags } from '@peculiar/x509';
import { BadRequest } from '../base/errors';

const keyUsages: Readonly<Record<string, KeyUsageFlags>> = {
  signing: KeyUsageFlags.digitalSignature,
  'digital signature': KeyUsageFlags.digitalSignature,
  'content commitment': KeyUsageFlags.nonRepudiation,
  'key encipherment': KeyUsageFlags.keyEncipherment,
  'key agreement': KeyUsageFlags.keyAgreement,
  'data encipherment': KeyUsageFlags.dataEncipherment,
  'cert sign': KeyUsageFlags.keyCertSign,
  'crl sign': KeyUsageFlags.cRLSign,
  'encipher only': KeyUsageFlags.encipherOnly,
  'decipher only': KeyUsageFlags.decipherOnly,
};

const extendedUsages: Readonly<Record<string, string>> = {
  any: '2.5.29.37.0',
  'server auth': '1.3.6.1.5.5.7.3.1',
  'client auth': '1.3.6.1.5.5.7.3.2',
  'code signing': '1.3.6.1.5.5.7.3.3',
  'email protection': '1.3.6.1.5.5.7.3.4',
  's/mime': '1.3.6.1.5.5.7.3.4',
  'ipsec end system': '1.3.6.1.5.5.7.3.5',
  'ipsec tunnel': '1.3.6.1.5.5.7.3.6',
  'ipsec user': '1.3.6.1.5.5.7.3.7',
  timestamping: '1.3.6.1.5.5.7.3.8',
  'ocsp signing': '1.3.6.1.5.5.7.3.9',
  'microsoft sgc': '1.3.6.1.4.1.311.10.3.3',
  'netscape sgc': '2.16.840.1.113730.4.1',
};

export interface CertificateUsages {
  /** Bits of the key usage extension. */
  readonly flags: number;
  /** Object identifiers of the extended key usage extension, sorted. */
  readonly purposes: readonly string[];
}

/** @throws BadRequest naming the first unknown usage */
export function certificateUsages(usages: readonly string[]): CertificateUsages {
  let flags = 0;
  const purposes = new Set<string>();
  for (const usage of usages) {
    const flag = keyUsages[usage];
    const purpose = extendedUsages[usage];
    if (flag === undefined && purpose === undefined) throw new BadRequest(`unrecognized key usage: ${usage}`);
    if (flag !== undefined) flags |= flag;
    if (purpose !== undefined) purposes.add(purpose);
  }
  return { flags, purposes: [...purposes].sort() };
}
