// Errors of connections and answers in the words of Go's client, which users search for and tests of operators match on. Pure.
import { describeError } from '../../base/errors';
import type { Address } from './service-address';

const unknownAuthority = 'x509: certificate signed by unknown authority';
/** By the error code of Node.js. */
const untrusted: Readonly<Record<string, string>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority,
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  CERT_SIGNATURE_FAILURE: unknownAuthority,
  CERT_HAS_EXPIRED: 'x509: certificate has expired or is not yet valid',
  CERT_NOT_YET_VALID: 'x509: certificate has expired or is not yet valid',
};

/** Why no answer came. `to` is absent when the address itself is not known. */
export function dialFailure(err: unknown, to: Address | undefined): string {
  const { code = '' } = err as NodeJS.ErrnoException;
  const host = to?.host ?? '';
  const at = to ? `${host.includes(':') ? `[${host}]` : host}:${to.port}` : '';
  switch (code) {
    case 'ECONNREFUSED':
      return `dial tcp ${at}: connect: connection refused`;
    case 'EHOSTUNREACH':
      return `dial tcp ${at}: connect: no route to host`;
    case 'ENETUNREACH':
      return `dial tcp ${at}: connect: network is unreachable`;
    case 'ENOTFOUND':
      return `dial tcp: lookup ${host}: no such host`;
    case 'ECONNRESET':
    case 'EPIPE':
      return 'EOF';
    case 'ERR_OSSL_PEM_NO_START_LINE':
      return 'unable to load root certificates: unable to parse bytes as PEM block';
    default: {
      const trust = untrusted[code];
      if (trust) return `tls: failed to verify certificate: ${trust}`;
      const text = describeError(err);
      return code.startsWith('ERR_TLS_CERT') ? `tls: failed to verify certificate: x509: ${text}` : text;
    }
  }
}

const maxShown = 1_000;

/** What client-go makes of an answer with another code than 200 to 206. It shows only texts. */
export function answerFailure(status: number, body: Buffer, contentType: string): string {
  const isText = contentType === '' || contentType.startsWith('text/');
  return failureOf(status, isText ? textOf(body) : 'unknown');
}

function failureOf(status: number, text: string): string {
  switch (status) {
    case 400:
      return 'the server rejected our request for an unknown reason';
    case 401:
      return 'the server has asked for the client to provide credentials';
    case 403:
      return `forbidden: ${text}`;
    case 404:
      return 'the server could not find the requested resource';
    case 405:
      return 'the server does not allow this method on the requested resource';
    case 409:
      return 'the server reported a conflict';
    case 415:
      return `the body of the request was in an unknown format - accepted media types include: ${text}`;
    case 422:
      return 'the server rejected our request due to an error in our request';
    case 429:
      return 'the server has received too many requests and has asked us to try again later';
    case 503:
      return 'the server is currently unable to handle the request';
    case 504:
      return 'the server was unable to return a response in the time allotted, but may still be processing the request';
    default:
      if (status < 500)
        return `the server responded with the status code ${status} but did not return more information`;
      return `an error on the server (${JSON.stringify(text)}) has prevented the request from succeeding`;
  }
}

const textOf = (body: Buffer): string => body.toString('utf8', 0, maxShown).trim() || 'unknown';
