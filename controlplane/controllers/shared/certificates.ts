// The certificate request inside a CertificateSigningRequest.
import type { CertificateSigningRequest } from '../../api/index';
import { hasCode } from '../../base/errors';
import { type ParsedRequest, parseRequest } from '../../pki/certificate-request';

/** Undefined when it cannot be parsed: the API refuses such requests, but a store may hold older objects. */
export function parsedRequest({ spec }: CertificateSigningRequest): ParsedRequest | undefined {
  try {
    return parseRequest(Buffer.from(spec.request, 'base64').toString());
  } catch (err) {
    if (hasCode(err, 'BadRequest')) return undefined;
    throw err;
  }
}
