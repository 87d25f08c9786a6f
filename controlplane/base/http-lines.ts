// Reads the answer of a program of this machine over HTTP, line by line: it may be too long for one text.
import { get, type IncomingMessage } from 'node:http';
import { Unavailable } from './errors';

interface Limits {
  /** Until the end of the answer. */
  readonly timeoutMs: number;
  /** In characters: a program that answers without an end is another one. */
  readonly maxLength: number;
}

/** Calls `take` with each line that has an end. @throws Unavailable for a status other than 200, and an answer that is too long */
export async function readHttpLines(
  url: string,
  { timeoutMs, maxLength }: Limits,
  take: (line: string) => void,
): Promise<void> {
  const response = await request(url, timeoutMs);
  if (response.statusCode !== 200) {
    response.destroy();
    throw new Unavailable(`status ${response.statusCode}: an older version, or another program, answers there`);
  }
  response.setEncoding('utf8');
  let length = 0;
  let rest = '';
  for await (const chunk of response as AsyncIterable<string>) {
    length += chunk.length;
    if (length > maxLength) throw new Unavailable('the answer does not end');
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    for (const line of lines) take(line);
  }
}

const request = (url: string, timeoutMs: number): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    get(url, { agent: false, signal: AbortSignal.timeout(timeoutMs) }, resolve).once('error', reject);
  });
