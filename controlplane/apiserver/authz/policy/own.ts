// Roles that kube-apiserver does not have: of the programs of k8ts, which share fewer identities than upstream's, and of metrics-server.
import { extensionAuthenticationName } from '../../aggregator/extension-authentication';
import type { ResourceAttributes } from '../authorizer';
import { type PolicyRule, ruleAllowsResource } from '../rules';
import { on, type Rules, read, recordEvents, write } from './grammar';

const events = on('core events.k8s.io', 'events', recordEvents);

const pathGroup = 'path.k8ts.io';

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
    on(pathGroup, 'hopreports packetpaths', 'create'),
    on('core', 'namespaces nodes pods services', read),
    on('apps', 'daemonsets deployments replicasets statefulsets', read),
    on('batch', 'jobs', read),
    on('discovery.k8s.io', 'endpointslices', read),
    // Which part of a policy does not match.
    on('networking.k8s.io', 'ingressclasses ingresses networkpolicies', read),
  ],
  'k8ts:path-probe': [on(pathGroup, 'packetprobes', 'create')],
  // Who talks to whom, on all nodes; what one needs to read names for addresses; and what the console's topology shows of them.
  'k8ts:traffic': [
    on(pathGroup, 'nodetraffics', 'get list'),
    on('core', 'endpoints namespaces nodes pods services', read),
    on('apps', 'daemonsets deployments replicasets statefulsets', read),
    on('discovery.k8s.io', 'endpointslices', read),
    on('networking.k8s.io', 'ingresses networkpolicies', read),
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

/**
 * The first of these roles that allows it, for kinds of which no role of upstream has a right: users cannot know whom to ask for. Undefined for
 * all other kinds.
 */
export function roleWith(attributes: ResourceAttributes): string | undefined {
  if (attributes.group !== pathGroup) return undefined;
  const found = Object.entries(ownRoles).find(
    ([name, rules]) => name !== controllersRole && rules.some((rule) => ruleAllowsResource(rule, attributes)),
  );
  return found?.[0];
}

/** With it an aggregated API server reads whose certificates it can trust. The installer of that server binds it, as upstream. */
export const readAuthentication: PolicyRule = on('core', 'configmaps', read, extensionAuthenticationName);
