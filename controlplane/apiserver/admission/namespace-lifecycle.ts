// NamespaceLifecycle: no object is created in a namespace that does not exist or is terminating, and the namespaces that the
// cluster itself needs cannot be deleted.
import { namespaces } from '../../api/index';
import { AppError } from '../../base/errors';
import { notFound } from '../status';
import { type OpenRule, refusal, type Write } from '../write/rule';

const immortal = new Set(['default', 'kube-system', 'kube-public']);

export const namespaceLifecycle: OpenRule = ({ cache }) => ({
  name: 'NamespaceLifecycle',
  // Creates of subresources, such as tokens and evictions, too.
  concerns: ({ operation, kind }) =>
    (operation === 'create' && kind.namespaced) || (operation === 'delete' && kind.prefix === namespaces.prefix),
  mutate(write) {
    const { operation, namespace, name } = write;
    if (operation === 'delete') {
      if (immortal.has(name)) throw refusal(write, 'this namespace may not be deleted');
      return;
    }
    const found = cache.kind(namespaces).get(namespace)?.object;
    if (!found) throw notFound(namespaces, namespace);
    if (found.metadata?.deletionTimestamp || found.status?.phase === 'Terminating') throw terminating(write);
  },
});

function terminating(write: Write): AppError {
  const { namespace } = write;
  const { message, details } = refusal(
    write,
    `unable to create new content in namespace ${namespace} because it is being terminated`,
  );
  const cause = {
    reason: 'NamespaceTerminating',
    message: `namespace ${namespace} is being terminated`,
    field: 'metadata.namespace',
  };
  return new AppError('Forbidden', message, { details: { ...details, causes: [cause] } });
}
