// The thread that converts large bodies and answers, so that the API server can serve other requests meanwhile. Bytes in, bytes out.
import { parentPort } from 'node:worker_threads';
import { BadRequest } from '../../base/errors';
import { jsonToYaml } from './from-json';
import { convertYaml } from './to-json';

export type Direction = 'toJson' | 'toYaml';
export interface Question {
  readonly direction: Direction;
  readonly text: Uint8Array;
}
/** One answer for each request, in the same order. */
export type Answer =
  | { readonly text: Uint8Array<ArrayBuffer>; readonly duplicateKeys: readonly string[] }
  | { readonly refusal: string };

function answer({ direction, text }: Question): Answer {
  try {
    const source = Buffer.from(text).toString();
    const { json, duplicateKeys } =
      direction === 'toJson' ? convertYaml(source) : { json: jsonToYaml(source), duplicateKeys: [] };
    return { text: new TextEncoder().encode(json), duplicateKeys };
  } catch (err) {
    if (err instanceof BadRequest) return { refusal: err.message };
    throw err;
  }
}

parentPort?.on('message', (question: Question) => {
  const said = answer(question);
  parentPort!.postMessage(said, 'text' in said ? [said.text.buffer] : []);
});
