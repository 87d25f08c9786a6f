// From the path of a kubeconfig to a client: the start of every process other than the server.
import type { Client } from './client';
import { KubeconfigTransport } from './kubeconfig-transport';
import { createClient, type RestClientOptions } from './rest-client';

/** Reads the file but opens no connection yet; uses a replaced file later. @throws BadRequest naming the file and its fault */
export async function connect(kubeconfigPath: string, options: RestClientOptions = {}): Promise<Client> {
  return createClient(await KubeconfigTransport.open(kubeconfigPath), options);
}
