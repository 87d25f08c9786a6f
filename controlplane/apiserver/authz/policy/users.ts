// The default ClusterRoles of users and of those who administer a cluster, as kube-apiserver creates them.
import { all, on, paths, type Rules, read, write } from './grammar';

export const userRoles: Rules = {
  'cluster-admin': [on('*', '*', '*'), paths('*', '*')],
  'system:aggregate-to-admin': [
    on('authorization.k8s.io', 'localsubjectaccessreviews', 'create'),
    on('rbac.authorization.k8s.io', 'rolebindings roles', all),
  ],
  'system:aggregate-to-edit': [
    on('core', 'pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy', read),
    on('core', 'serviceaccounts', 'impersonate'),
    on('core', 'pods pods/attach pods/exec pods/portforward pods/proxy', write),
    on('core', 'pods/eviction', 'create'),
    on(
      'core',
      `
      configmaps persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets
      serviceaccounts services services/proxy`,
      write,
    ),
    on('core', 'serviceaccounts/token', 'create'),
    on('core events.k8s.io', 'events', write),
    on(
      'apps',
      `
      daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale
      statefulsets statefulsets/scale`,
      write,
    ),
    on('autoscaling', 'horizontalpodautoscalers', write),
    on('batch', 'cronjobs jobs', write),
    on(
      'extensions',
      `
      daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies replicasets
      replicasets/scale replicationcontrollers/scale`,
      write,
    ),
    on('policy', 'poddisruptionbudgets', write),
    on('networking.k8s.io', 'ingresses networkpolicies', write),
    on('coordination.k8s.io', 'leases', all),
    on('resource.k8s.io', 'resourceclaims resourceclaimtemplates', write),
  ],
  'system:aggregate-to-view': [
    on(
      'core',
      `
      configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods
      replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status`,
      read,
    ),
    on(
      'core',
      `
      bindings limitranges namespaces/status pods/log pods/status replicationcontrollers/status
      resourcequotas resourcequotas/status`,
      read,
    ),
    on('core', 'namespaces', read),
    on('core events.k8s.io', 'events', read),
    on('discovery.k8s.io', 'endpointslices', read),
    on(
      'apps',
      `
      controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status
      replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status`,
      read,
    ),
    on('autoscaling', 'horizontalpodautoscalers horizontalpodautoscalers/status', read),
    on('batch', 'cronjobs cronjobs/status jobs jobs/status', read),
    on(
      'extensions',
      `
      daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses
      ingresses/status networkpolicies replicasets replicasets/scale replicasets/status
      replicationcontrollers/scale`,
      read,
    ),
    on('policy', 'poddisruptionbudgets poddisruptionbudgets/status', read),
    on('networking.k8s.io', 'ingresses ingresses/status networkpolicies', read),
    on('resource.k8s.io', 'resourceclaims resourceclaims/status resourceclaimtemplates', read),
  ],
  'system:auth-delegator': [
    on('authentication.k8s.io', 'tokenreviews', 'create'),
    on('authorization.k8s.io', 'subjectaccessreviews', 'create'),
  ],
  'system:basic-user': [
    on('authorization.k8s.io', 'selfsubjectaccessreviews selfsubjectrulesreviews', 'create'),
    on('authentication.k8s.io', 'selfsubjectreviews', 'create'),
  ],
  'system:certificates.k8s.io:certificatesigningrequests:nodeclient': [
    on('certificates.k8s.io', 'certificatesigningrequests/nodeclient', 'create'),
  ],
  'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient': [
    on('certificates.k8s.io', 'certificatesigningrequests/selfnodeclient', 'create'),
  ],
  'system:certificates.k8s.io:kube-apiserver-client-approver': [
    on('certificates.k8s.io', 'signers', 'approve', 'kubernetes.io/kube-apiserver-client'),
  ],
  'system:certificates.k8s.io:kube-apiserver-client-kubelet-approver': [
    on('certificates.k8s.io', 'signers', 'approve', 'kubernetes.io/kube-apiserver-client-kubelet'),
  ],
  'system:certificates.k8s.io:kubelet-serving-approver': [
    on('certificates.k8s.io', 'signers', 'approve', 'kubernetes.io/kubelet-serving'),
  ],
  'system:certificates.k8s.io:legacy-unknown-approver': [
    on('certificates.k8s.io', 'signers', 'approve', 'kubernetes.io/legacy-unknown'),
  ],
  'system:discovery': [
    paths(
      `
      /api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/`,
      'get',
    ),
  ],
  'system:monitoring': [
    paths(
      `
      /flagz /healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/* /statusz`,
      'get',
    ),
    on('core', 'nodes/metrics', 'get'),
  ],
  'system:public-info-viewer': [paths('/healthz /livez /readyz /version /version/', 'get')],
  'system:service-account-issuer-discovery': [
    paths(
      `
      /.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks
      /openid/v1/jwks/`,
      'get',
    ),
  ],
};
