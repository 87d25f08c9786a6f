// Which container runtime a pod asks for: the handler of its RuntimeClass, which is the name of one of Docker's runtimes.
import { type Pod, type RuntimeClass, runtimeClasses } from '../../../controlplane/api';
import type { Client } from '../../../controlplane/client/client';

/** Undefined for a pod without a class, which runs in Docker's default runtime. @throws NotFound when there is no such class */
export async function lookUpHandler(client: Pick<Client, 'get'>, pod: Pod): Promise<string | undefined> {
  const name = pod.spec?.runtimeClassName;
  if (!name) return undefined;
  const { handler } = await client.get<RuntimeClass>(runtimeClasses, name);
  return handler;
}
