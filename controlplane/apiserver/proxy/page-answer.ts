// The answer of a pod as an answer of this server: links of pages and Location headers lead through the proxy again.
import type { IncomingMessage } from 'node:http';
import { streamed } from '../aggregator/answers';
import type { Reply, StreamReply } from '../request';
import { type ProxiedPage, rewriteHtml, rewriteUrl } from './rewrite-links';

/** A page is read before it is changed. A longer one is passed on as it is: its links would hold the event loop. */
const maxPageBytes = 512 * 1024;

/** Permissions that a pod gives to scripts of other origins are about its own origin, not about this server's. */
const crossOrigin = /^access-control-allow-(?:credentials|headers|methods|origin)$/;

/** @throws what the connection to the pod throws */
export async function answerOf(response: IncomingMessage, page: ProxiedPage): Promise<Reply> {
  const reply = streamed(response);
  const headers = Object.fromEntries(Object.entries(reply.headers ?? {}).filter(([name]) => !crossOrigin.test(name)));
  const { location } = headers;
  if (typeof location === 'string' && location !== '') {
    return { ...reply, headers: { ...headers, location: rewriteUrl(location, page) } };
  }
  if (!isPage(response)) return { ...reply, headers };
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk as Buffer);
    length += (chunk as Buffer).length;
    if (length > maxPageBytes) return { ...reply, headers, start: continued(chunks, reply) };
  }
  const { 'content-length': _, ...others } = headers;
  const html = rewriteHtml(Buffer.concat(chunks).toString('latin1'), (url) => rewriteUrl(url, page));
  return { ...reply, headers: others, body: Buffer.from(html, 'latin1') };
}

/** A compressed page would have to be unpacked; pods compress only when the client asks for it, and proxies' clients rarely do. */
function isPage({ headers, req }: IncomingMessage & { readonly req?: { readonly method?: string } }): boolean {
  const type = (headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
  return type === 'text/html' && (headers['content-encoding'] ?? '') === '' && req?.method !== 'HEAD';
}

const continued =
  (chunks: readonly Buffer[], { start }: StreamReply): StreamReply['start'] =>
  (sink) => {
    for (const chunk of chunks) sink.write(chunk);
    start(sink);
  };
