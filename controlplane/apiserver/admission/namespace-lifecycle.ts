// NamespaceLifecycle: nothing is created in a namespace that is not there or is going away, and the namespaces that the
// cluster itself needs cannot be deleted.
import { namespaces } from '../../api/index';
import { AppError } from '../../base/errors';
import type { Cache } from '../cache/cache';
import { notFound } from '../status';
import { type AdmissionPlugin, refusal } from './admission';

const immortal = new Set(['default', 'kube-system', 'kube-public']);

export function namespaceLifecycle(cache: Cache): AdmissionPlugin {
  return (write) => {
    const { operation, kind, namespace, name, subresource } = write;
    if (operation === 'delete' && kind.prefix === namespaces.prefix && immortal.has(name)) {
      throw refusal(write, 'this namespace may not be deleted');
    }
    if (operation !== 'create' || !kind.namespaced || subresource !== '') return;
    const found = cache.kind(namespaces).get(namespace)?.object;
    if (!found) throw notFound(namespaces, namespace);
    if (!found.metadata?.deletionTimestamp && found.status?.phase !== 'Terminating') return;
    const refused = refusal(
      write,
      `unable to create new content in namespace ${namespace} because it is being terminated`,
    );
    throw new AppError('Forbidden', refused.message, {
      details: {
        ...refused.details,
        causes: [
          {
            reason: 'NamespaceTerminating',
            message: `namespace ${namespace} is being terminated`,
            field: 'metadata.namespace',
          },
        ],
      },
    });
  };
}
