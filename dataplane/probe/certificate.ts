// A server's certificate as a probe reports it. Pure.
import type { X509Certificate } from 'node:crypto';
import type { ShownCertificate } from './request';

/** What one certificate may add to a report. */
const maxNames = 100;

export function describeCertificate({
  subject,
  issuer,
  subjectAltName,
  validToDate,
}: Pick<X509Certificate, 'subject' | 'issuer' | 'subjectAltName' | 'validToDate'>): ShownCertificate {
  return {
    subject: oneLine(subject),
    issuer: oneLine(issuer),
    names: namesIn(subjectAltName ?? ''),
    validTo: Number.isNaN(validToDate.getTime()) ? 'unknown' : validToDate.toISOString(),
  };
}

/** Node prints one attribute on each line. */
const oneLine = (name: string | undefined): string => (name ?? '').split('\n').join(', ');

/** `DNS:a, IP Address:10.0.0.1, DNS:"b, c"`: Node quotes a name with special characters as JSON does. */
function namesIn(text: string): readonly string[] {
  return [...text.matchAll(/(?:DNS|IP Address|URI|email):("(?:[^"\\]|\\.)*"|[^,]*)/g)]
    .slice(0, maxNames)
    .map(([, name]) => name!.replace(/^"(.*)"$/, '$1'));
}
