// From the path of a kubeconfig to a client: what every process other than the server itself starts with.
import type { Client } from './client';
import { KubeconfigTransport } from './kubeconfig-transport';
import { createClient, type RestClientOptions } from './rest-client';

/** Reads the file but opens no connection yet; follows it when it is replaced. @throws BadRequest naming the file and what is wrong in it */
export async function connect(kubeconfigPath: string, options: RestClientOptions = {}): Promise<Client> {
  return createClient(await KubeconfigTransport.open(kubeconfigPath), options);
}
