// One spelling for the paths of rules and requests (pure), so that paths that are equal for a backend are equal for a rule.
// Source: RFC 3986, sections 3.3 and 6.2.2. Only the comparison uses it: the backend gets the path as the client wrote it.

/** pchar without percent-encoding, and the slash. */
const plainPath = /^[A-Za-z0-9\-._~!$&'()*+,;=:@/]*$/;
const plainChar = /[A-Za-z0-9\-._~!$&'()*+,;=:@]/;
const toRespell = /%[0-9A-Fa-f]{2}|[^A-Za-z0-9\-._~!$&'()*+,;=:@/]/g;
const slash = '(?:/|%2F|%5C)';
/** A dot segment, also one that ends at an encoded slash or at a parameter: some backends resolve it. */
const dotSegment = new RegExp(`${slash}\\.{1,2}(?:;[^/]*)?(?:${slash}|$)|%00`);

/**
 * The path of a request target in its one spelling. Undefined when it is not an absolute path, or when proxy and backend would
 * always read it differently: dot segments (plain, encoded or with parameters), a backslash, a broken escape.
 */
export function parsePath(target: string): string | undefined {
  if (target[0] !== '/') return undefined;
  const query = target.indexOf('?');
  const path = query < 0 ? target : target.slice(0, query);
  if (plainPath.test(path)) return dotSegment.test(path) ? undefined : path;
  if (/[\\#]|%(?![0-9A-Fa-f]{2})/.test(path)) return undefined;
  const respelt = respell(toBytes(path));
  return dotSegment.test(respelt) ? undefined : respelt;
}

/** The path of a rule in the same spelling; it may contain any characters (HTTPIngressPath.path). */
export const canonicalRulePath = (path: string): string => (plainPath.test(path) ? path : respell(toUtf8(path)));

/** One character per byte. Node returns a request target in this form; text with higher characters is encoded as UTF-8 first. */
const toBytes = (text: string): string => (/[^\0-\xff]/.test(text) ? toUtf8(text) : text);
const toUtf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

/**
 * Escapes the characters that must be escaped in a path, and unescapes all others. By RFC 3986 only unreserved characters are
 * equal in both forms. But backends decode `%2B` just as `%78`, so for the choice of a rule all characters of a segment are
 * equal in both forms.
 */
function respell(bytes: string): string {
  return bytes.replace(toRespell, (found) => {
    if (found.length === 1) return escaped(found.charCodeAt(0));
    const code = Number.parseInt(found.slice(1), 16);
    const char = String.fromCharCode(code);
    return plainChar.test(char) ? char : escaped(code);
  });
}

const escaped = (code: number): string => `%${code.toString(16).toUpperCase().padStart(2, '0')}`;

/**
 * Other readings of a path of parsePath by backends: slashes merged and decoded, path parameters (`;x`) removed, or both. Empty
 * for most paths. A request is forwarded only if no other reading leads to another backend.
 */
export function otherReadings(path: string): readonly string[] {
  const hasSlashes = path.includes('//') || path.includes('%2F') || path.includes('%5C');
  const hasParameters = path.includes(';');
  if (!hasSlashes && !hasParameters) return [];
  const merged = path.replace(/(?:\/|%2F|%5C)+/g, '/');
  const readings = [merged, withoutParameters(path), withoutParameters(merged)];
  return [...new Set(readings)].filter((one) => one !== path);
}

const withoutParameters = (path: string): string => path.replace(/;[^/]*/g, '');
