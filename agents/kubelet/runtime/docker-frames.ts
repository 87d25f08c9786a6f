// Docker's stream framing for containers without a terminal: one byte stream number, three zero bytes, four bytes length
// (big endian), payload. Source: Engine API, "Stream format" of container attach.
import { AppError } from '../../../controlplane/base/errors';
import type { LogChunk } from './runtime';

const headerLength = 8;
/** Docker sends at most 16 KiB of a log or 32 KiB of a command's output, and the time of the line. */
const maxPayload = 1024 * 1024;

/** Splits a byte stream into frames; chunk borders may fall anywhere. @throws AppError for a frame of no sensible length */
export class FrameDecoder {
  private rest: Buffer = Buffer.alloc(0);

  push(data: Buffer): LogChunk[] {
    this.rest = this.rest.length === 0 ? data : Buffer.concat([this.rest, data]);
    const frames: LogChunk[] = [];
    let offset = 0;
    while (this.rest.length - offset >= headerLength) {
      const length = this.rest.readUInt32BE(offset + 4);
      if (length > maxPayload) throw new AppError('Internal', `docker announces a frame of ${length} bytes`);
      if (this.rest.length - offset - headerLength < length) break;
      const start = offset + headerLength;
      frames.push({
        stream: this.rest[offset] === 2 ? 'stderr' : 'stdout',
        data: this.rest.subarray(start, start + length),
      });
      offset = start + length;
    }
    this.rest = this.rest.subarray(offset);
    return frames;
  }
}
