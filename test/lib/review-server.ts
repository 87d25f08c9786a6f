// A program that answers reviews over HTTPS with client certificates, and its kubeconfig.
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Test } from 'tap';
import { startApiServer } from './api-server';

// biome-ignore lint/suspicious/noExplicitAny: tests answer by any part of a review.
type Review = any;

/** Gets the spec of the review, and returns the status of the answer or of HTTP. */
export type ReviewAnswer = (spec: Review) => object | number;

/** `file` is its kubeconfig, in a directory of the test; `reviews` are what it was asked, with the path. */
export async function openReviewServer(t: Test, answer: ReviewAnswer) {
  const helper = await startApiServer();
  t.teardown(() => helper.close());
  const { cert, key } = await helper.serving('127.0.0.1');
  const client = await helper.identity('kube-apiserver');
  const reviews: Review[] = [];
  const hook = createServer(
    { cert, key, ca: helper.ca, requestCert: true, rejectUnauthorized: true },
    (message, response) => {
      const chunks: Buffer[] = [];
      message.on('data', (chunk: Buffer) => chunks.push(chunk));
      message.on('end', () => {
        const review = JSON.parse(Buffer.concat(chunks).toString());
        reviews.push({ path: message.url, ...review });
        const status = answer(review.spec);
        if (typeof status === 'number') response.writeHead(status).end('{}');
        else response.end(JSON.stringify({ apiVersion: review.apiVersion, kind: review.kind, status }));
      });
    },
  );
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    hook.close();
    hook.closeAllConnections();
  });
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const url = `https://127.0.0.1:${(hook.address() as AddressInfo).port}/review`;
  const kubeconfig = {
    clusters: [{ name: 'c', cluster: { server: url, 'certificate-authority-data': base64(helper.ca) } }],
    users: [
      { name: 'u', user: { 'client-certificate-data': base64(client.cert), 'client-key-data': base64(client.key) } },
    ],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  const directory = t.testdir();
  const file = join(directory, 'webhook.kubeconfig');
  await writeFile(file, JSON.stringify(kubeconfig));
  return { directory, file, reviews };
}
