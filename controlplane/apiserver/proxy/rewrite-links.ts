// Links in answers of a pod or Service that would lead out of the proxy: those to an absolute path of the same host get the path of the
// proxy in front. As k8s.io/apimachinery/pkg/util/proxy does, but nothing else of a page changes. Pure; the work is linear in the page.
import { posix } from 'node:path';

export interface ProxiedPage {
  /** The path up to `/proxy`, as the client sent it. */
  readonly prefix: string;
  /** The host that the client asked for, and that of the pod: a link to one of them stays on the page's host. */
  readonly clientHost: string;
  readonly podHost: string;
}

const urlParts = /^(?:([A-Za-z][A-Za-z0-9+.-]*:)?(?:\/\/([^/?#]*))?)([^?#]*)(.*)$/s;

/** A Location header or the value of an attribute. Relative links and links to other hosts stay as they are. */
export function rewriteUrl(url: string, { prefix, clientHost, podHost }: ProxiedPage): string {
  const [, scheme = '', authority, path = '', rest = ''] = urlParts.exec(url) ?? [];
  const host = authority?.slice(authority.lastIndexOf('@') + 1) ?? '';
  const isElsewhere = host !== '' && host !== podHost && host !== clientHost;
  if (isElsewhere || !path.startsWith('/')) return url;
  const origin = host !== '' && host === clientHost ? `${scheme}//${authority}` : '';
  if (path.startsWith(prefix)) return `${origin}${path}${rest}`;
  const joined = posix.join(prefix, path);
  return `${origin}${path.endsWith('/') && !joined.endsWith('/') ? `${joined}/` : joined}${rest}`;
}

/** The attributes of HTML that are URLs. Source: the tables of attributes of HTML 4 and of the HTML standard. */
const attributes: Readonly<Record<string, readonly string[]>> = {
  a: ['href'],
  applet: ['codebase'],
  area: ['href'],
  audio: ['src'],
  base: ['href'],
  blockquote: ['cite'],
  body: ['background'],
  button: ['formaction'],
  command: ['icon'],
  del: ['cite'],
  embed: ['src'],
  form: ['action'],
  frame: ['longdesc', 'src'],
  head: ['profile'],
  html: ['manifest'],
  iframe: ['longdesc', 'src'],
  img: ['longdesc', 'src', 'usemap'],
  input: ['src', 'usemap', 'formaction'],
  ins: ['cite'],
  link: ['href'],
  object: ['classid', 'codebase', 'data', 'usemap'],
  q: ['cite'],
  script: ['src'],
  source: ['src'],
  video: ['poster', 'src'],
};

/** Their contents are text, up to their own end tag. */
const rawText = new Set(['script', 'style', 'textarea', 'title', 'xmp', 'iframe', 'noembed', 'noframes']);

const tagName = /[A-Za-z][^\s/>]*/y;
/** A name, and perhaps a value in double quotes, single quotes or none; or characters that begin no attribute. */
const attribute = /([^\s"'<>/=][^\s/>=]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+)))?|[\s"'</=]+/y;

/** `page` is latin1, so that each byte stays as it is whatever the encoding of the page. */
export function rewriteHtml(page: string, rewrite: (url: string) => string): string {
  const parts: string[] = [];
  let copied = 0;
  let at = page.indexOf('<');
  while (at >= 0) {
    if (page.startsWith('<!--', at)) {
      at = after(page, '-->', at + 4);
    } else {
      tagName.lastIndex = at + 1;
      const name = tagName.exec(page)?.[0].toLowerCase();
      if (name === undefined) at += 1;
      else {
        const urls = attributes[name] ?? [];
        at += 1 + name.length;
        for (attribute.lastIndex = at; ; ) {
          const found = attribute.exec(page);
          if (!found) break;
          at = attribute.lastIndex;
          const [, key, double, single, bare] = found;
          const value = double ?? single ?? bare;
          if (value === undefined || !urls.includes(key!.toLowerCase())) continue;
          const end = bare === undefined ? at - 1 : at;
          parts.push(page.slice(copied, end - value.length), rewrite(value));
          copied = end;
        }
        if (rawText.has(name)) at = endOfText(page, name, at);
      }
    }
    at = at < 0 ? -1 : page.indexOf('<', at);
  }
  parts.push(page.slice(copied));
  return parts.join('');
}

function after(page: string, end: string, from: number): number {
  const at = page.indexOf(end, from);
  return at < 0 ? -1 : at + end.length;
}

function endOfText(page: string, name: string, from: number): number {
  const end = new RegExp(`</${name}`, 'ig');
  end.lastIndex = from;
  return end.exec(page)?.index ?? -1;
}
