// The connection to a program outside the server that answers reviews, by its kubeconfig.
import type { Transport } from '../client/client';
import { HttpsTransport } from '../client/https-transport';
import { loadKubeconfig } from '../client/kubeconfig';

export interface WebhookConnection {
  readonly transport: Transport;
  /** '' when the URL of the transport has a path of its own. */
  readonly path: string;
}

/** @throws BadRequest when the file cannot be read; the caller closes the transport */
export async function openWebhookConnection(kubeconfig: string): Promise<WebhookConnection> {
  const connection = await loadKubeconfig(kubeconfig);
  const hasPath = new URL(connection.server).pathname !== '/';
  return { transport: new HttpsTransport(connection), path: hasPath ? '' : '/' };
}
