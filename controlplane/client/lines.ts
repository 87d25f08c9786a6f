// Splits a byte stream into lines without copying more than needed: a watch event may be a megabyte that arrives in
// many chunks, and one chunk may hold hundreds of small events.

const newline = 0x0a;

/** Yields the complete lines of each chunk together, without their newline; empty lines and an unfinished tail are dropped. */
export async function* decodeLines(body: AsyncIterable<Buffer>): AsyncGenerator<string[]> {
  let partial: Buffer[] = [];
  for await (const chunk of body) {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      let line: string;
      if (partial.length > 0) {
        // Joined as bytes: a multi-byte character may be cut between two chunks.
        partial.push(chunk.subarray(start, end));
        line = Buffer.concat(partial).toString('utf8');
        partial = [];
      } else {
        line = chunk.toString('utf8', start, end);
      }
      if (line !== '') lines.push(line);
      start = end + 1;
    }
    if (start < chunk.length) partial.push(chunk.subarray(start));
    if (lines.length > 0) yield lines;
  }
}

/** The whole body as text. */
export async function readText(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return (chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)).toString('utf8');
}
