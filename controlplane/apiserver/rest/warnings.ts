// Warning headers: warnings for the writer, with a successful answer or in addition to an error.
import type { Reply } from '../request';
import type { RestRequest } from './context';

/** Bounds of kube-apiserver, in characters: when the total is above the first, each text is cut to the second. */
const maxTotal = 4 * 1024;
const maxCut = 256;

/** The answer with the warnings of its request. A client in this process, which reads objects directly, gets none. */
export function withWarnings(reply: Reply, rest: RestRequest | undefined): Reply {
  if (!rest || rest.warnings.length === 0 || rest.request.decoded) return reply;
  return { ...reply, headers: { ...reply.headers, warning: renderWarnings(rest.warnings) } };
}

/** One header for each different text, in order, as long as there is room. */
export function renderWarnings(texts: readonly string[]): string[] {
  const different = [...new Set(texts)].filter((text) => text !== '');
  const total = different.reduce((sum, text) => sum + text.length, 0);
  if (total <= maxTotal) return different.map(renderWarning);
  let written = 0;
  return different.flatMap((text) => {
    if (written >= maxTotal) return [];
    const cut = [...text.slice(0, 2 * maxCut)].slice(0, maxCut).join('');
    written += cut.length;
    return [renderWarning(cut)];
  });
}

/** RFC 7234: code 299, no agent, quoted text. No character of the text can end the header or the quotes. */
export function renderWarning(text: string): string {
  const plain = text.replace(/[\r\n\t]+/g, ' ').replace(/[^\x20-\x7e]/g, '?');
  return `299 - "${plain.replace(/[\\"]/g, '\\$&')}"`;
}
