// The default Roles inside namespaces, with who has them: those of kube-apiserver, and those of the programs of k8ts.
import type { Role } from '../../../api/role';
import type { RoleBinding } from '../../../api/role-binding';
import { receiptNamespace } from '../../../api/services/programmed';
import type { PolicyRule } from '../rules';
import { on, read, recordEvents } from './grammar';
import { readAuthentication } from './own';
import { account, api, bootstrapMetadata, type Subject, user } from './subjects';

/** Permissions inside one namespace. */
export interface NamespacedGrant {
  readonly role: Role;
  readonly binding: RoleBinding;
}

interface Grant {
  readonly role: string;
  readonly namespace: string;
  readonly rules: readonly PolicyRule[];
  readonly subjects: readonly Subject[];
  /** Absent: the name of the role. */
  readonly binding?: string;
}

const events = on('core events.k8s.io', 'events', recordEvents);
const elections: readonly PolicyRule[] = ['leases', 'leasecandidates'].map((resource) =>
  on('coordination.k8s.io', resource, 'create get list update watch'),
);
const controllerRole = (name: string): string => `system:controller:${name}`;
const [manager, scheduler] = ['kube-controller-manager', 'kube-scheduler'] as const;
const systemUser = (name: string): Subject => user(`system:${name}`);

const upstream: readonly Grant[] = [
  {
    role: 'extension-apiserver-authentication-reader',
    binding: 'system::extension-apiserver-authentication-reader',
    namespace: 'kube-system',
    rules: [readAuthentication],
    subjects: [systemUser(manager), systemUser(scheduler)],
  },
  {
    role: controllerRole('bootstrap-signer'),
    namespace: 'kube-public',
    rules: [on('core', 'configmaps', read), on('core', 'configmaps', 'update', 'cluster-info'), events],
    subjects: [account('bootstrap-signer')],
  },
  {
    role: controllerRole('bootstrap-signer'),
    namespace: 'kube-system',
    rules: [on('core', 'secrets', read)],
    subjects: [account('bootstrap-signer')],
  },
  {
    role: controllerRole('cloud-provider'),
    namespace: 'kube-system',
    rules: [on('core', 'configmaps', 'create get list watch')],
    subjects: [account('cloud-provider')],
  },
  {
    role: controllerRole('token-cleaner'),
    namespace: 'kube-system',
    rules: [on('core', 'secrets', 'delete get list watch'), events],
    subjects: [account('token-cleaner')],
  },
  {
    role: `system::leader-locking-${manager}`,
    namespace: 'kube-system',
    rules: elections,
    subjects: [systemUser(manager), account(manager), account('leader-election-controller')],
  },
  {
    role: `system::leader-locking-${scheduler}`,
    namespace: 'kube-system',
    rules: elections,
    subjects: [systemUser(scheduler), account(scheduler)],
  },
];

const own: readonly Grant[] = [
  // Each kube-proxy writes which revision its node's kernel has.
  {
    role: 'system:node-proxier',
    namespace: receiptNamespace,
    rules: [on('coordination.k8s.io', 'leases', 'get create update patch')],
    subjects: [user('system:kube-proxy')],
  },
  // Each node's server announces its own address behind the DNS Service; the endpoints of other Services are not its own.
  {
    role: 'system:dns',
    namespace: 'kube-system',
    rules: [on('discovery.k8s.io', 'endpointslices', 'create update patch delete')],
    subjects: [user('system:dns')],
  },
];

export const namespacedGrants: readonly NamespacedGrant[] = [...upstream, ...own].map(
  ({ role, namespace, rules, subjects, binding = role }) => ({
    role: {
      kind: 'Role',
      apiVersion: `${api}/v1`,
      metadata: { ...bootstrapMetadata(role), namespace },
      rules: [...rules],
    },
    binding: {
      kind: 'RoleBinding',
      apiVersion: `${api}/v1`,
      metadata: { ...bootstrapMetadata(binding), namespace },
      roleRef: { apiGroup: api, kind: 'Role', name: role },
      subjects: [...subjects],
    },
  }),
);
