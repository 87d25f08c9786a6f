// An HTTPS server on loopback that plays an admission webhook, and configurations that name it.
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { KeyPair } from '../../controlplane/pki/certificate';

// biome-ignore lint/suspicious/noExplicitAny: tests look into reviews of every kind.
export type Review = any;

/** The response of a review, without its uid; or another answer altogether. */
export type WebhookAnswer =
  | { readonly response: object }
  | { readonly raw: string; readonly status?: number; readonly location?: string };

export interface WebhookServer {
  readonly port: number;
  /** All reviews, in the order of their arrival, each with its path and its headers. */
  readonly reviews: Review[];
  /** How many connections clients have opened. */
  connections(): number;
  url(path?: string): string;
  close(): Promise<void>;
}

/** `answer` gets the request of the review, and the path without its query. */
export async function startWebhook(
  { cert, key }: KeyPair,
  answer: (request: Review, path: string) => WebhookAnswer | Promise<WebhookAnswer>,
): Promise<WebhookServer> {
  const reviews: Review[] = [];
  let connections = 0;
  const server = createServer({ cert, key }, (message, response) => {
    const chunks: Buffer[] = [];
    message.on('data', (chunk: Buffer) => chunks.push(chunk));
    message.on('end', async () => {
      const { request, apiVersion } = JSON.parse(Buffer.concat(chunks).toString());
      const [path = '/', query = ''] = (message.url ?? '/').split('?');
      reviews.push({ ...request, apiVersion, path, query, host: message.headers.host });
      const given = await answer(request, path);
      if ('raw' in given) {
        response.writeHead(given.status ?? 200, given.location ? { location: given.location } : {});
        response.end(given.raw);
        return;
      }
      const review = { kind: 'AdmissionReview', apiVersion, response: { uid: request.uid, ...given.response } };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(review));
    });
  });
  server.on('connection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    reviews,
    connections: () => connections,
    url: (path = '/') => `https://127.0.0.1:${port}${path}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export const allow: WebhookAnswer = { response: { allowed: true } };
export const deny = (status?: object): WebhookAnswer => ({
  response: { allowed: false, ...(status ? { status } : {}) },
});

/** An answer that allows and changes. */
export const patchWith = (...operations: readonly object[]): WebhookAnswer => ({
  response: {
    allowed: true,
    patchType: 'JSONPatch',
    patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
  },
});

export const base64 = (text: string): string => Buffer.from(text).toString('base64');
