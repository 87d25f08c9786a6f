// NetworkPolicies that do not allow what their author meant.
import { far, type Lab, near, otherSpace, pod, policy, service, serving, sleeping, space } from './lab';

const server = (name: string, node = far) => [pod(name, serving(), { node }), service(name, { app: name })];

export const policyLabs: readonly Lab[] = [
  {
    name: 'policy-ingress',
    fault: 'the policy of the server allows other pods only',
    from: `${space}/client`,
    to: 'svc/guarded',
    codes: ['IngressPolicy'],
    says: /labs\/guard/,
    objects: [
      ...server('guarded'),
      policy(
        'guard',
        { app: 'guarded' },
        { ingress: [{ from: [{ podSelector: { matchLabels: { role: 'friend' } } }] }] },
      ),
    ],
  },
  {
    name: 'policy-egress',
    fault: 'the policy of the client allows nothing out',
    from: `${space}/prisoner`,
    to: 'svc/web',
    codes: ['EgressPolicy'],
    says: /labs\/prison/,
    objects: [
      pod('prisoner', sleeping, { node: near }),
      policy('prison', { app: 'prisoner' }, { policyTypes: ['Egress'] }),
    ],
  },
  {
    name: 'policy-both',
    fault: 'both ends forbid it',
    from: `${space}/prisoner`,
    to: 'svc/guarded',
    codes: ['EgressPolicy'],
    says: /labs\/prison/,
  },
  {
    name: 'policy-same-node',
    fault: 'the policy of a server on the node of the client',
    from: `${space}/client`,
    to: 'svc/guarded-near',
    codes: ['IngressPolicy'],
    says: /guard-near/,
    objects: [
      ...server('guarded-near', near),
      policy('guard-near', { app: 'guarded-near' }, { policyTypes: ['Ingress'] }),
    ],
  },
  {
    name: 'policy-wrong-port',
    fault: 'the policy names the port of the Service, not that of the pod',
    from: `${space}/client`,
    to: 'svc/port-guarded',
    codes: ['IngressPolicy'],
    says: /allows port 80\/TCP only, not 8080\/TCP/,
    objects: [
      ...server('port-guarded'),
      policy('port-guard', { app: 'port-guarded' }, { ingress: [{ ports: [{ port: 80 }] }] }),
    ],
  },
  {
    name: 'policy-namespace-label',
    fault: 'namespaceSelector asks for a label that the namespace does not have',
    from: `${otherSpace}/visitor`,
    to: `svc/${space}/by-namespace`,
    codes: ['IngressPolicy'],
    says: /is for namespaces with team=a, and namespace labs-other has/,
    objects: [
      pod('visitor', sleeping, { namespace: otherSpace, node: near }),
      ...server('by-namespace'),
      policy(
        'by-namespace',
        { app: 'by-namespace' },
        { ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: 'a' } } }] }] },
      ),
    ],
  },
  {
    name: 'policy-cluster-ip-block',
    fault: 'an ipBlock for egress has the range of Services, but policies see pods',
    from: `${space}/ip-blocked`,
    to: 'svc/web',
    codes: ['EgressPolicy'],
    says: /ipBlock 10\.96\.0\.0\/12, and 10\.\S+ is not in it: policies see the pod behind a Service/,
    objects: [
      pod('ip-blocked', sleeping, { node: far }),
      policy(
        'ip-block',
        { app: 'ip-blocked' },
        { policyTypes: ['Egress'], egress: [{ to: [{ ipBlock: { cidr: '10.96.0.0/12' } }] }] },
      ),
    ],
  },
  {
    name: 'policy-host-network',
    fault: 'the policy allows pods, and the client has the network of its node',
    from: `${space}/on-node`,
    to: 'svc/pods-only',
    codes: ['IngressPolicy'],
    says: /is for pods alone, and \S+ is no pod of the cluster/,
    objects: [
      ...server('pods-only'),
      policy('pods-only', { app: 'pods-only' }, { ingress: [{ from: [{ podSelector: {} }] }] }),
    ],
  },
];
