// url("https://example.com:80/path?q=1") and its functions. Source: Kubernetes' URL library.
import type { Environment } from '@marcbachmann/cel-js';
import { CelEvaluationError } from '../errors';

const type = 'kubernetes.URL';

/** The parts of a URL as Go's net/url has them: an absolute URL or an absolute path. */
class CelUrl {
  constructor(
    readonly scheme: string,
    readonly host: string,
    readonly path: string,
    readonly query: string,
  ) {}
}

// RFC 3986, section 3.
const form = /^(?:([A-Za-z][A-Za-z0-9+.-]*):\/\/(?:[^/?#@]*@)?([^/?#]*))?(\/[^?#]*)?(?:\?([^#]*))?(?:#.*)?$/;

function urlOf(text: string): CelUrl {
  const [matched, scheme = '', host = '', path = '', query = ''] = form.exec(text) ?? [];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: Go refuses them
  if (matched === undefined || text === '' || /[\u0000-\u0020\u007f]/.test(text) || (scheme === '' && path === '')) {
    throw new CelEvaluationError(
      `URL parse error during conversion from string: parse ${JSON.stringify(text)}: invalid URI for request`,
    );
  }
  return new CelUrl(scheme.toLowerCase(), host, path, query);
}

function isUrl(text: string): boolean {
  try {
    urlOf(text);
    return true;
  } catch {
    return false;
  }
}

/** [::1]:80 → ::1 and 80. */
function hostParts(host: string): { name: string; port: string } {
  const [, bracketed, plain = '', port = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d*))?$/.exec(host) ?? [];
  return { name: bracketed ?? plain, port };
}

/** name → its values, in their order. */
function queryOf({ query }: CelUrl): Record<string, string[]> {
  const values = Object.create(null) as Record<string, string[]>;
  for (const [name, value] of new URLSearchParams(query)) {
    const list = values[name] ?? [];
    list.push(value);
    values[name] = list;
  }
  return { ...values };
}

export function registerUrls(environment: Environment): void {
  environment
    .registerType(type, { ctor: CelUrl, fields: {} })
    .registerOperator(
      `${type} == ${type}`,
      (a: CelUrl, b: CelUrl) => a.scheme === b.scheme && a.host === b.host && a.path === b.path && a.query === b.query,
    )
    .registerFunction(`url(string): ${type}`, urlOf)
    .registerFunction('isURL(string): bool', isUrl)
    .registerFunction(`${type}.getScheme(): string`, ({ scheme }: CelUrl) => scheme)
    .registerFunction(`${type}.getHost(): string`, ({ host }: CelUrl) => host)
    .registerFunction(`${type}.getHostname(): string`, ({ host }: CelUrl) => hostParts(host).name)
    .registerFunction(`${type}.getPort(): string`, ({ host }: CelUrl) => hostParts(host).port)
    .registerFunction(`${type}.getEscapedPath(): string`, ({ path }: CelUrl) => path)
    .registerFunction(`${type}.getQuery(): map<string, list<string>>`, queryOf);
}
