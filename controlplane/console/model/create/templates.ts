// What the editor begins with when an object is created: the fields that its kind needs. Pure.
import type { Resource } from '../discovery';

const podSpec = (indent: string): string =>
  ['containers:', '  - name: main', '    image: nginx:stable'].map((line) => indent + line).join('\n');

const podTemplate = (indent: string): string =>
  ['template:', '  metadata:', '    labels:', '      app: example', '  spec:', podSpec('    ')]
    .flatMap((part) => part.split('\n'))
    .map((line) => indent + line)
    .join('\n');

const selector = '  selector:\n    matchLabels:\n      app: example';

/** Behind the metadata, by plural.group. */
const bodies: Readonly<Record<string, string>> = {
  'pods.': `spec:\n${podSpec('  ')}`,
  'deployments.apps': `spec:\n  replicas: 2\n${selector}\n${podTemplate('  ')}`,
  'statefulsets.apps': `spec:\n  replicas: 2\n  serviceName: example\n${selector}\n${podTemplate('  ')}`,
  'daemonsets.apps': `spec:\n${selector}\n${podTemplate('  ')}`,
  'jobs.batch': `spec:\n  template:\n    spec:\n      restartPolicy: Never\n${podSpec('      ')}`,
  'cronjobs.batch': `spec:\n  schedule: "0 * * * *"\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          restartPolicy: Never\n${podSpec('          ')}`,
  'services.': 'spec:\n  selector:\n    app: example\n  ports:\n    - port: 80\n      targetPort: 8080',
  'ingresses.networking.k8s.io': `spec:
  rules:
    - host: example.local
      http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service:
                name: example
                port:
                  number: 80`,
  'networkpolicies.networking.k8s.io': `spec:
  podSelector:
    matchLabels:
      app: example
  policyTypes: [Ingress]
  ingress:
    - from:
        - podSelector:
            matchLabels:
              app: client`,
  'configmaps.': 'data:\n  key: value',
  'secrets.': 'type: Opaque\nstringData:\n  key: value',
  'persistentvolumeclaims.': 'spec:\n  accessModes: [ReadWriteOnce]\n  resources:\n    requests:\n      storage: 1Gi',
  'horizontalpodautoscalers.autoscaling': `spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: example
  minReplicas: 1
  maxReplicas: 5
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: 80`,
  'poddisruptionbudgets.policy': `spec:\n  minAvailable: 1\n${selector}`,
  'roles.rbac.authorization.k8s.io':
    'rules:\n  - apiGroups: [""]\n    resources: [pods]\n    verbs: [get, list, watch]',
  'clusterroles.rbac.authorization.k8s.io':
    'rules:\n  - apiGroups: [""]\n    resources: [pods]\n    verbs: [get, list, watch]',
  'rolebindings.rbac.authorization.k8s.io': bindingTo('Role'),
  'clusterrolebindings.rbac.authorization.k8s.io': bindingTo('ClusterRole'),
};

function bindingTo(kind: string): string {
  return `roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ${kind}
  name: example
subjects:
  - apiGroup: rbac.authorization.k8s.io
    kind: User
    name: example`;
}

/** For a kind that has no template of its own: what every object has. */
export function templateOf(
  { group, version, plural, kind, namespaced }: Pick<Resource, 'group' | 'version' | 'plural' | 'kind' | 'namespaced'>,
  namespace: string,
): string {
  const lines = [
    `apiVersion: ${group === '' ? version : `${group}/${version}`}`,
    `kind: ${kind}`,
    'metadata:',
    '  name: example',
    ...(namespaced ? [`  namespace: ${namespace || 'default'}`] : []),
    bodies[`${plural}.${group}`] ?? '',
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}
