// Answers requests below /console/ with the files of the built page. They are the same for everyone and show no object: the page reads
// all its data through the API, as the user who has logged in.
import { consolePath } from '../../api/console';
import type { PageRequest, PublicPages } from '../../apiserver/http/public-pages';
import { type FullReply, header, textReply } from '../../apiserver/request';
import { chooseEncoding } from './accept-encoding';
import type { PageFiles } from './page-files';

const startPage = 'index.html';

/** The page loads only its own files, and talks only to its own server. xterm.js and CodeMirror get their styles as style sheets of the page. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

/** On every answer, also on errors. */
const securityHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': contentSecurityPolicy,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** The name of an asset contains the hash of its content, so a browser need never ask again. */
const assetCaching = 'public, max-age=31536000, immutable';
/** The start page names the assets: a browser must ask each time, and mostly gets 304. */
const startCaching = 'no-cache';

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};
const typeOf = (name: string): string => types[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream';

export class ConsolePages implements PublicPages {
  constructor(private readonly files: PageFiles) {}

  answer(request: PageRequest): Promise<FullReply> | undefined {
    const { path } = request;
    if (path !== consolePath && !path.startsWith(`${consolePath}/`)) return undefined;
    return this.serve(request);
  }

  private async serve({ method, path, headers }: PageRequest): Promise<FullReply> {
    if (method !== 'GET' && method !== 'HEAD') return withHeaders(textReply('method not allowed\n', 405), allowed);
    // Relative addresses of the page's files need the slash.
    if (path === consolePath) return withHeaders(textReply('', 308), { location: `${consolePath}/` });
    const name = path.slice(consolePath.length + 1) || startPage;
    const file = await this.files.find(name, chooseEncoding(header(headers, 'accept-encoding')));
    if (!file) return withHeaders(textReply(await this.missing(name), 404));
    const caching = {
      etag: file.etag,
      vary: 'Accept-Encoding',
      'cache-control': name === startPage ? startCaching : assetCaching,
    };
    const type = typeOf(name);
    if (isKnown(header(headers, 'if-none-match'), file.etag)) {
      return withHeaders({ status: 304, type, body: Buffer.alloc(0) }, caching);
    }
    const encoded = file.encoding === 'identity' ? undefined : { 'content-encoding': file.encoding };
    return withHeaders({ status: 200, type, body: file.bytes }, { ...caching, ...encoded });
  }

  private async missing(name: string): Promise<string> {
    const isBuilt = name !== startPage && (await this.files.find(startPage, 'identity')) !== undefined;
    return isBuilt
      ? 'no such file\n'
      : 'the console is missing: this installation is not complete, or npm run build never ran\n';
  }
}

const allowed = { allow: 'GET, HEAD' };

const withHeaders = (reply: FullReply, headers: Readonly<Record<string, string>> = {}): FullReply => ({
  ...reply,
  headers: { ...securityHeaders, ...headers },
});

/** If-None-Match compares weakly (RFC 9110, section 13.1.2). */
const isKnown = (ifNoneMatch: string, etag: string): boolean =>
  ifNoneMatch.split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === etag);
