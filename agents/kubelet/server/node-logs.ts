// GET /logs/...: files and folders of the node's /var/log, as upstream. A link that leads out of the folder is not followed.
import { type FileHandle, open, opendir } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { NotFound } from '../../../controlplane/base/errors';
import { openBeneath, pathOfHeld } from '../../../dataplane/mount/beneath';

export const nodeLogDir = '/var/log';

/** More names of one folder are not listed. */
const maxEntries = 10_000;

/** `parts`: the decoded path below the folder. @throws what openBeneath throws; NotFound for devices, sockets and FIFOs */
export async function sendNodeLog(root: string, parts: readonly string[], response: ServerResponse): Promise<void> {
  // A decoded slash stays inside its part: no file has such a name.
  if (parts.some((part) => part.includes('/'))) throw new NotFound('404 page not found');
  const held = await openBeneath(root, parts.join('/'));
  try {
    const info = await held.stat();
    if (info.isDirectory()) return await sendFolder(held, response);
    if (!info.isFile()) throw new NotFound('404 page not found');
    const file = await open(pathOfHeld(held), 'r');
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
    await pipeline(file.createReadStream(), response).catch((err: unknown) => {
      // The client has left.
      if ((err as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw err;
    });
  } finally {
    await held.close();
  }
}

/** As Go's file server prints a folder. */
async function sendFolder(held: FileHandle, response: ServerResponse): Promise<void> {
  const names: string[] = [];
  for await (const entry of await opendir(pathOfHeld(held))) {
    if (names.length >= maxEntries) break;
    names.push(entry.isDirectory() ? `${entry.name}/` : entry.name);
  }
  const links = names.sort().map((name) => `<a href="${linkTo(name)}">${escapeHtml(name)}</a>\n`);
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
  response.end(
    `<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n${links.join('')}</pre>\n`,
  );
}

/** With `./` before a name with a colon, which would look like a scheme. */
function linkTo(name: string): string {
  const encoded = encodeURIComponent(name).replaceAll('%2F', '/').replaceAll('%3A', ':').replaceAll("'", '%27');
  return encoded.includes(':') ? `./${encoded}` : encoded;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  "'": '&#39;',
};
const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character]!);
