// The thread that converts large bodies of YAML, so that the API server answers others meanwhile. Bytes in, bytes out.
import { parentPort } from 'node:worker_threads';
import { BadRequest } from '../../base/errors';
import { yamlToJson } from './to-json';

/** One answer for each message, in their order. */
export type Answer = { readonly json: Uint8Array<ArrayBuffer> } | { readonly refusal: string };

function convert(yaml: Uint8Array): Answer {
  try {
    return { json: new TextEncoder().encode(yamlToJson(Buffer.from(yaml).toString())) };
  } catch (err) {
    if (err instanceof BadRequest) return { refusal: err.message };
    throw err;
  }
}

parentPort?.on('message', (yaml: Uint8Array) => {
  const answer = convert(yaml);
  parentPort!.postMessage(answer, 'json' in answer ? [answer.json.buffer] : []);
});
