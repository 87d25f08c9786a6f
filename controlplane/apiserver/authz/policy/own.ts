// Roles that kube-apiserver does not have: of the programs of k8ts, which share fewer identities than upstream's, and of metrics-server.
import { extensionAuthenticationName } from '../../aggregator/extension-authentication';
import type { PolicyRule } from '../rules';
import { on, type Rules, read, recordEvents, write } from './grammar';

const events = on('core events.k8s.io', 'events', recordEvents);

export const controllersRole = 'k8ts:controllers';
export const proxierRole = 'k8ts:node-proxier';
export const consoleUserRole = 'k8ts:console-user';

export const ownRoles: Rules = {
  // All controllers run as one user; each needs to read everything and to write what it owns.
  [controllersRole]: [
    on('*', '*', read),
    on(
      'core',
      `configmaps endpoints events namespaces namespaces/finalize namespaces/status nodes nodes/status
      persistentvolumeclaims persistentvolumes pods pods/status pods/eviction replicationcontrollers
      replicationcontrollers/status resourcequotas/status secrets serviceaccounts serviceaccounts/token services
      services/status`,
      write,
    ),
    // The garbage collector and namespace deletion remove objects of any kind.
    on('*', '*', 'delete deletecollection patch update'),
    on('apps', '*', write),
    on('autoscaling', '*', write),
    on('batch', '*', write),
    on('discovery.k8s.io', 'endpointslices', write),
    on('storage.k8s.io', 'volumeattachments', 'create'),
    on('coordination.k8s.io', 'leases', write),
    on('authentication.k8s.io', 'tokenreviews', 'create'),
    on('authorization.k8s.io', 'subjectaccessreviews', 'create'),
    // Aggregation writes rules that this user does not have.
    on('rbac.authorization.k8s.io', 'clusterroles', 'escalate'),
    on('certificates.k8s.io', 'signers', 'approve sign'),
    events,
  ],
  // `k8ts path`: to look, and to send. An administrator binds them.
  'k8ts:path': [
    on('path.k8ts.io', 'hopreports packetpaths', 'create'),
    on('core', 'nodes pods services', read),
    on('apps', 'daemonsets deployments replicasets statefulsets', read),
    on('batch', 'jobs', read),
    on('discovery.k8s.io', 'endpointslices', read),
    on('networking.k8s.io', 'ingressclasses ingresses', read),
  ],
  'k8ts:path-probe': [on('path.k8ts.io', 'packetprobes', 'create')],
  // Who talks to whom, on all nodes; and what one needs to read names for addresses.
  'k8ts:traffic': [
    on('path.k8ts.io', 'nodetraffics', 'get list'),
    on('core', 'endpoints namespaces nodes pods services', read),
    on('discovery.k8s.io', 'endpointslices', read),
    on('networking.k8s.io', 'networkpolicies', read),
  ],
  // As the reviews of oneself: the answer is about the caller, and gives a person what the person can do already.
  [consoleUserRole]: [on('console.k8ts.io', 'consolelogins consolesessions', 'create')],
  // The metrics API needs no metrics-server here.
  'system:aggregated-metrics-reader': [on('metrics.k8s.io', 'nodes pods', read)],
  // NetworkPolicies are the work of kube-proxy here.
  [proxierRole]: [
    on('core', 'endpoints namespaces pods services', read),
    on('networking.k8s.io', 'networkpolicies', 'list watch'),
  ],
  'system:dns': [
    on('core', 'endpoints namespaces nodes pods services', read),
    // The objects that it writes are in its Role.
    on('discovery.k8s.io', 'endpointslices', read),
    events,
  ],
  // No Secrets here: every node has this identity, so the ingress authorizer allows only those that Ingresses name.
  'system:ingress': [
    on('core', 'endpoints namespaces nodes pods services', read),
    on('discovery.k8s.io', 'endpointslices', read),
    on('networking.k8s.io', 'ingressclasses ingresses', read),
    on('networking.k8s.io', 'ingresses/status', 'update patch'),
    events,
  ],
};

/** With it an aggregated API server reads whose certificates it can trust. The installer of that server binds it, as upstream. */
export const readAuthentication: PolicyRule = on('core', 'configmaps', read, extensionAuthenticationName);
