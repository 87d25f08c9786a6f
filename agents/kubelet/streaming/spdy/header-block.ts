// Header blocks of SPDY/3.1 (draft-mbelshe-httpbis-spdy-00, section 2.6.10): name/value pairs, compressed by one zlib stream
// per direction that lives as long as the connection and starts with a dictionary both sides know.
import { constants, createDeflate, createInflate, type Deflate, type Inflate } from 'node:zlib';
import { BadRequest } from '../../../../controlplane/base/errors';

/** Lower-case names; several values of one name stay separate. */
export type Headers = ReadonlyMap<string, readonly string[]>;

/** A block with more than this is an attack or an error: kubectl sends three short headers. */
export const maxHeaderBytes = 64 * 1024;

const dictionaryWords = [
  'options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow',
  'authorization cache-control connection content-base content-encoding content-language content-length',
  'content-location content-md5 content-range content-type date etag expect expires from host if-match',
  'if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma',
  'proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade',
  'user-agent vary via warning www-authenticate method get status',
]
  .flatMap((line) => line.split(' '))
  .concat('200 OK', 'version', 'HTTP/1.1', 'url', 'public', 'set-cookie', 'keep-alive', 'origin');

const dictionaryTail = [
  '100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505',
  '203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized',
  '403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable',
  'Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT',
  'chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,',
  'publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.',
].join('');

const lengthPrefixed = (text: string): Buffer => {
  const bytes = Buffer.from(text, 'utf8');
  const out = Buffer.alloc(4 + bytes.length);
  out.writeUInt32BE(bytes.length);
  bytes.copy(out, 4);
  return out;
};

/** The dictionary of the specification: each word with its length, then text without lengths. Adler-32 e3c6a7c2. */
export const headerDictionary = Buffer.concat([...dictionaryWords.map(lengthPrefixed), Buffer.from(dictionaryTail)]);

export function formatHeaders(headers: Headers): Buffer {
  const count = Buffer.alloc(4);
  count.writeUInt32BE(headers.size);
  const pairs = [...headers].flatMap(([name, values]) => [lengthPrefixed(name), lengthPrefixed(values.join('\0'))]);
  return Buffer.concat([count, ...pairs]);
}

/** @throws BadRequest */
export function parseHeaders(block: Buffer): Headers {
  let offset = 0;
  const readNumber = (): number => {
    if (offset + 4 > block.length) throw new BadRequest('SPDY header block is cut off');
    offset += 4;
    return block.readUInt32BE(offset - 4);
  };
  const readText = (): string => {
    const length = readNumber();
    if (length > block.length - offset) throw new BadRequest('SPDY header block is cut off');
    offset += length;
    return block.toString('utf8', offset - length, offset);
  };
  const headers = new Map<string, readonly string[]>();
  const count = readNumber();
  for (let i = 0; i < count; i++) {
    const name = readText().toLowerCase();
    if (name === '' || headers.has(name)) throw new BadRequest('SPDY header block with an empty or repeated name');
    headers.set(name, readText().split('\0'));
  }
  if (offset !== block.length) throw new BadRequest('SPDY header block with trailing bytes');
  return headers;
}

/** Decompresses the blocks of one direction, in order. */
export class HeaderReader {
  private readonly inflate: Inflate = createInflate({ dictionary: headerDictionary, flush: constants.Z_SYNC_FLUSH });

  /** Calls must not overlap. @throws BadRequest for broken or oversized blocks; then the reader cannot be used any more. */
  async read(compressed: Buffer): Promise<Headers> {
    const chunks: Buffer[] = [];
    let size = 0;
    await pump(this.inflate, compressed, (chunk) => {
      size += chunk.length;
      if (size > maxHeaderBytes) throw new BadRequest(`SPDY header block of more than ${maxHeaderBytes} bytes`);
      chunks.push(chunk);
    });
    return parseHeaders(Buffer.concat(chunks));
  }

  close(): void {
    this.inflate.destroy();
  }
}

/** Compresses the blocks of one direction, in the order they are sent. */
export class HeaderWriter {
  private readonly deflate: Deflate = createDeflate({ dictionary: headerDictionary, flush: constants.Z_SYNC_FLUSH });

  /** Calls must not overlap. */
  async write(headers: Headers): Promise<Buffer> {
    const chunks: Buffer[] = [];
    await pump(this.deflate, formatHeaders(headers), (chunk) => chunks.push(chunk));
    return Buffer.concat(chunks);
  }

  close(): void {
    this.deflate.destroy();
  }
}

/** Writes `input` and passes on all output. With Z_SYNC_FLUSH, zlib emits all output before the write is done. */
function pump(stream: Inflate | Deflate, input: Buffer, onChunk: (chunk: Buffer) => unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (err?: Error | null) => {
      stream.off('data', onData);
      stream.off('error', settle);
      stream.off('close', onClose);
      if (err)
        reject(err instanceof BadRequest ? err : new BadRequest('SPDY header block cannot be read', { cause: err }));
      else resolve();
    };
    const onClose = () => settle(new BadRequest('SPDY connection closed'));
    const onData = (chunk: Buffer) => {
      try {
        onChunk(chunk);
      } catch (err) {
        settle(err as Error);
        // Stops at once: the rest of an oversized block is not decompressed.
        stream.on('error', () => {});
        stream.destroy();
      }
    };
    stream.on('data', onData);
    stream.on('error', settle);
    stream.on('close', onClose);
    stream.write(input, settle);
  });
}
