// Why a request was not forwarded, in two texts (pure): the client reads the kind of failure, the log has the Service, the
// endpoint and the error.
import type { BackendProblem } from './backends';

export interface Failure {
  readonly status: number;
  /** For the client: nothing about Services, endpoints or the cluster. */
  readonly reason: string;
  /** For the log. */
  readonly detail: string;
}

const notConnected = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT']);
const lost = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

export type ErrorKind = 'notConnected' | 'lost' | 'other';
/** notConnected: no byte was sent. lost: the connection ended before the answer began. */
export function kindOf(code: string): ErrorKind {
  if (notConnected.has(code)) return 'notConnected';
  return lost.has(code) ? 'lost' : 'other';
}

const withoutEndpoints: Readonly<Record<BackendProblem, string>> = {
  ServiceNotFound: 'the Service of this rule does not exist',
  ServicePortNotFound: 'the Service of this rule has no such port',
  BackendRefused: 'the endpoints of this rule are at addresses that are not backends',
};

export function noEndpoints(backend: string, problem: BackendProblem | undefined): Failure {
  const reason = problem ? withoutEndpoints[problem] : 'the Service of this rule has no ready endpoints';
  return { status: 503, reason, detail: `${backend}: ${problem ?? 'no ready endpoints'}` };
}

/** `tried` is the number of endpoints tried so far; `endpoint` was the last of them. */
export function failureOf(error: Error & { code?: string }, backend: string, endpoint: string, tried: number): Failure {
  const code = error.code ?? '';
  const detail = `${backend}, endpoint ${endpoint}: ${error.message || code}`;
  return { status: code === 'UND_ERR_HEADERS_TIMEOUT' ? 504 : 502, reason: reasonOf(error, code, tried), detail };
}

function reasonOf(error: Error, code: string, tried: number): string {
  switch (kindOf(code)) {
    case 'notConnected':
      return `none of ${tried} endpoints accepted a connection`;
    case 'lost':
      return 'the endpoint accepted the connection and closed it without answering';
    case 'other':
      break;
  }
  switch (code) {
    case 'EDESTINATION':
      return 'the name of the backend leads to an address that is not a backend';
    case 'ENAME':
      return 'the name of the backend could not be resolved';
    case 'UND_ERR_HEADERS_TIMEOUT':
      return 'the endpoint did not answer in time';
    case 'UND_ERR_HEADERS_OVERFLOW':
    case 'HPE_HEADER_OVERFLOW':
      return 'the headers of the answer are too long';
    case 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH':
      return "the endpoint's answer is not valid HTTP: Content-Length twice, or beside Transfer-Encoding";
    default:
      // undici's errors often have no code. The parser's message names the broken rule, and no content of the answer.
      return error.name === 'HTTPParserError' || code.startsWith('HPE_')
        ? `the endpoint's answer is not valid HTTP: ${error.message}`
        : 'the request could not be carried to the endpoint';
  }
}
