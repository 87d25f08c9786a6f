// Reads a request body up to a limit, inflating gzip as client-go may send it.
import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { BadRequest, Unsupported } from '../../base/errors';
import { tooLarge } from '../status';

/** As kube-apiserver: three megabytes of JSON. */
export const maxBodyBytes = 3 * 1024 * 1024;

const inflate = promisify(gunzip);

/** @throws StatusError 413, Unsupported (415) for an encoding other than gzip, BadRequest when the client disconnects early or the gzip is invalid */
export async function readBody(message: IncomingMessage, limit = maxBodyBytes): Promise<Buffer> {
  const encoding = (message.headers['content-encoding'] ?? '').trim().toLowerCase();
  if (encoding !== '' && encoding !== 'identity' && encoding !== 'gzip') {
    message.resume();
    throw new Unsupported(`content encoding ${JSON.stringify(encoding)} is not supported: send gzip or none`);
  }
  const declared = Number(message.headers['content-length'] ?? 0);
  if (declared > limit) {
    message.resume();
    throw tooLarge(limit);
  }
  const raw = await collect(message, limit);
  if (encoding !== 'gzip') return raw;
  try {
    return await inflate(raw, { maxOutputLength: limit });
  } catch (cause) {
    throw new BadRequest('the gzip encoded body cannot be read', { cause });
  }
}

function collect(message: IncomingMessage, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let first: Buffer | undefined;
    let more: Buffer[] | undefined;
    let size = 0;
    message.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) {
        message.removeAllListeners('data');
        message.resume();
        reject(tooLarge(limit));
      } else if (!first) first = chunk;
      else if (more) more.push(chunk);
      else more = [first, chunk];
    });
    message.on('end', () => resolve(more ? Buffer.concat(more) : (first ?? Buffer.alloc(0))));
    message.on('error', (cause) => reject(new BadRequest('the request body ended early', { cause })));
  });
}
