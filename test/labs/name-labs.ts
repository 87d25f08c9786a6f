// Faults of names: search lists, name servers, aliases.
import { applyProcesses, processStatus, runningSpecs, stopProcesses } from '../../hack/dev/supervisor-control';
import { externalName, inside, type Lab, near, otherSpace, pod, policy, service, sleeping, space } from './lab';

const client = `${space}/client`;

export const nameLabs: readonly Lab[] = [
  {
    name: 'name-unknown',
    fault: 'no Service has this name',
    from: client,
    to: 'wbe:80',
    codes: ['NameNotFound'],
  },
  {
    name: 'dns-policy-default',
    fault: 'dnsPolicy Default: the pod asks the name servers of its node',
    from: `${space}/dns-default`,
    to: 'web:80',
    codes: ['NoSearchList', 'ForeignNameServer'],
    objects: [pod('dns-default', sleeping, { spec: { dnsPolicy: 'Default' } })],
  },
  {
    name: 'host-network-dns',
    fault: 'a pod with hostNetwork keeps dnsPolicy ClusterFirst, and asks the name servers of its node',
    from: `${space}/on-node`,
    to: 'web:80',
    codes: ['NoSearchList'],
    says: /dnsPolicy: ClusterFirstWithHostNet/,
  },
  {
    name: 'no-search-list',
    fault: 'dnsConfig of the pod has no search list',
    from: `${space}/no-search`,
    to: `web.${space}:80`,
    codes: ['NoSearchList'],
    objects: [
      pod('no-search', sleeping, {
        spec: { dnsPolicy: 'None', dnsConfig: { nameservers: ['10.96.0.10'], searches: ['example.com'] } },
      }),
    ],
  },
  {
    name: 'search-list-astray',
    fault: 'the search list of the pod begins in another namespace',
    from: `${space}/astray`,
    to: 'web:80',
    codes: ['OtherNamespace', 'NoSearchList'],
    objects: [
      pod('astray', sleeping, {
        spec: {
          dnsPolicy: 'None',
          dnsConfig: { nameservers: ['10.96.0.10'], searches: [`${otherSpace}.svc.cluster.local`] },
        },
      }),
    ],
  },
  {
    name: 'hosts-file',
    fault: 'hostAliases of the pod give the name of the Service to another address',
    from: `${space}/aliased`,
    to: 'far:80',
    codes: ['NameAnswersOther'],
    says: /10\.9\.9\.9/,
    objects: [pod('aliased', sleeping, { spec: { hostAliases: [{ ip: '10.9.9.9', hostnames: ['far'] }] } })],
  },
  {
    name: 'resolv-conf-changed',
    fault: 'a program in the pod has written its own name server into resolv.conf',
    from: `${space}/own-resolver`,
    to: 'far:80',
    codes: ['DnsDown', 'NothingListens'],
    says: /127\.0\.0\.1/,
    objects: [
      pod('own-resolver', ['sh', '-c', 'echo nameserver 127.0.0.1 > /etc/resolv.conf; exec sleep 1000000'], {
        node: near,
      }),
    ],
  },
  {
    name: 'external-name-unknown',
    fault: 'externalName has a typing error: no server knows the name',
    from: client,
    to: 'nowhere:80',
    codes: ['NameNotResolved'],
    says: /nosuch\.invalid/,
    objects: [externalName('nowhere', 'nosuch.invalid')],
  },
  {
    name: 'external-name-loop',
    fault: 'two ExternalName Services name each other',
    from: client,
    to: 'loop-a:80',
    codes: ['ExternalNameLoop'],
    objects: [
      externalName('loop-a', `loop-b.${space}.svc.cluster.local`),
      externalName('loop-b', `loop-a.${space}.svc.cluster.local`),
    ],
  },
  {
    name: 'external-name-missing',
    fault: 'an ExternalName Service names a Service that does not exist',
    from: client,
    to: 'misled:80',
    codes: ['NameNotFound'],
    says: /Service labs\/misled \(ExternalName\).*no Service nowhere\/db/,
    objects: [externalName('misled', 'db.nowhere.svc.cluster.local')],
  },
  {
    name: 'dns-by-tcp-dropped',
    fault: 'the pod asks its name server by TCP alone (options use-vc), and a rule drops that',
    from: `${space}/dns-by-tcp`,
    to: 'web:80',
    codes: ['ForeignRule'],
    says: /dport 53/,
    objects: [pod('dns-by-tcp', sleeping, { node: near, spec: { dnsConfig: { options: [{ name: 'use-vc' }] } } })],
    breaks: inside(
      'dns-by-tcp',
      near,
      ['iptables -A OUTPUT -p tcp --dport 53 -j DROP'],
      ['iptables -D OUTPUT -p tcp --dport 53 -j DROP'],
    ),
  },
  {
    name: 'dns-stopped',
    fault: 'the name server of the node does not run',
    from: client,
    to: 'web:80',
    codes: ['DnsDown'],
    breaks: async ({ plan }) => {
      const specs = runningSpecs(plan.runDir);
      await stopProcesses(plan.runDir, [`${near}/dns`]);
      return () => applyProcesses(plan.runDir, specs);
    },
  },
  {
    name: 'dns-hung',
    fault: 'the name server of the node hangs: its socket is there, and nothing answers',
    from: client,
    to: 'web:80',
    codes: ['DnsDown'],
    breaks: async ({ plan }) => {
      const { pid } = (await processStatus(plan.runDir)).find(({ name }) => name === `${near}/dns`)!;
      process.kill(pid!, 'SIGSTOP');
      return async () => process.kill(pid!, 'SIGCONT');
    },
  },
  {
    name: 'dns-first-silent',
    fault: 'the first name server in resolv.conf of the pod is not there',
    from: `${space}/dns-first-silent`,
    to: 'web:80',
    codes: ['NameServerSilent'],
    says: /192\.0\.2\.53/,
    objects: [
      pod('dns-first-silent', sleeping, {
        spec: {
          dnsPolicy: 'None',
          dnsConfig: {
            nameservers: ['192.0.2.53', '10.96.0.10'],
            searches: [`${space}.svc.cluster.local`],
            options: [{ name: 'ndots', value: '5' }],
          },
        },
      }),
    ],
  },
  {
    name: 'dns-forbidden',
    fault: 'a NetworkPolicy for egress forgets the name server',
    from: `${space}/dns-forbidden`,
    to: 'web:80',
    codes: ['EgressPolicy'],
    says: /only-web.*is for pods of namespace labs alone.*and the name server is in kube-system/s,
    objects: [
      pod('dns-forbidden', sleeping, { node: near }),
      policy(
        'only-web',
        { app: 'dns-forbidden' },
        {
          policyTypes: ['Egress'],
          egress: [{ to: [{ podSelector: { matchLabels: { app: 'web' } } }] }],
        },
      ),
      service('dns-forbidden', { app: 'web' }),
    ],
  },
];
