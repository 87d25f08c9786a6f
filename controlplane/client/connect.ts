// From the path of a kubeconfig to a client: what every process other than the server itself starts with.
import type { Client } from './client';
import { HttpsTransport } from './https-transport';
import { loadKubeconfig } from './kubeconfig';
import { createClient, type RestClientOptions } from './rest-client';

/** Reads the file but opens no connection yet. @throws BadRequest naming the file and what is wrong in it */
export async function connect(kubeconfigPath: string, options: RestClientOptions = {}): Promise<Client> {
  return createClient(new HttpsTransport(await loadKubeconfig(kubeconfigPath)), options);
}
