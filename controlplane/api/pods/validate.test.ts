// Field rules of pods, one error at a time, with kube-apiserver's messages.
import t from 'tap';
import { deployments } from '../deployment';
import { type Pod, pods } from '../pod';
import { loadSchemas } from '../schema/load';
import { validateStructure } from '../schema/structure';
import type { Container, PodSpec } from './types';

const schemas = loadSchemas();

type Change = Partial<PodSpec> & Record<string, unknown>;
interface Case {
  readonly name: string;
  /** Added to the spec of a valid pod. */
  readonly spec?: object;
  /** Added to its container. */
  readonly container?: object;
  readonly annotations?: Record<string, string>;
  readonly causes: readonly string[];
}

const base: Container = { name: 'c', image: 'i' };
function makePod({ spec = {}, container = {}, annotations }: Omit<Case, 'name' | 'causes'>): Pod {
  const body = {
    metadata: { name: 'p', namespace: 'n', ...(annotations ? { annotations } : {}) },
    spec: { containers: [{ ...base, ...container }], ...(spec as Change) },
  };
  const pod = structuredClone(body) as Pod;
  validateStructure(schemas.of(pods), pods, pod, 'Strict');
  pods.options.defaults?.(pod);
  return pod;
}
const causesOf = (pod: Pod, old?: Pod): string[] =>
  (pods.options.validate?.(pod, { subresource: '', ...(old ? { old } : {}) }) ?? []).map(
    ({ field, message }) => `${field}: ${message}`,
  );

const security = (securityContext: object): Pick<Case, 'container'> => ({ container: { securityContext } });
const podSecurity = (securityContext: object): Pick<Case, 'spec'> => ({ spec: { securityContext } });
const volume = (source: object): Pick<Case, 'spec'> => ({ spec: { volumes: [{ name: 'v', ...source }] } });
const mounted = (mount: object, container: object = {}) => ({
  spec: { volumes: [{ name: 'v', emptyDir: {} }] },
  container: { volumeMounts: [{ name: 'v', mountPath: '/v', ...mount }], ...container },
});
const at = 'spec.containers[0]';

const cases: readonly Case[] = [
  { name: 'a pod with allowed values', ...security({ runAsUser: 0, procMount: 'Default' }), causes: [] },
  {
    name: 'identities',
    spec: { securityContext: { runAsUser: -1, runAsGroup: 2 ** 31, fsGroup: -1, supplementalGroups: [1, -1] } },
    container: { securityContext: { runAsUser: -2, runAsGroup: -1 } },
    causes: [
      `${at}.securityContext.runAsUser: Invalid value: -2: must be between 0 and 2147483647, inclusive`,
      `${at}.securityContext.runAsGroup: Invalid value: -1: must be between 0 and 2147483647, inclusive`,
      'spec.securityContext.fsGroup: Invalid value: -1: must be between 0 and 2147483647, inclusive',
      'spec.securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive',
      'spec.securityContext.runAsGroup: Invalid value: 2147483648: must be between 0 and 2147483647, inclusive',
      'spec.securityContext.supplementalGroups[1]: Invalid value: -1: must be between 0 and 2147483647, inclusive',
    ],
  },
  {
    name: 'an unsafe sysctl is accepted: the kubelet refuses it',
    ...podSecurity({
      sysctls: [
        { name: 'kernel.msgmax', value: '1' },
        { name: 'net/ipv4/ip_forward', value: '1' },
        { name: 'a..b', value: '' },
        { name: '../../etc', value: '' },
        { name: 'kernel.msgmax', value: '2' },
        { name: '', value: '' },
      ],
    }),
    causes: [
      ...['a..b', '../../etc'].map(
        (name, i) =>
          `spec.securityContext.sysctls[${i + 2}].name: Invalid value: "${name}": must have at most 253 characters and match ` +
          'regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$',
      ),
      'spec.securityContext.sysctls[4].name: Duplicate value: "kernel.msgmax"',
      'spec.securityContext.sysctls[5].name: Required value',
    ],
  },
  {
    name: 'sysctls of namespaces that the pod shares with the host',
    spec: {
      hostNetwork: true,
      hostIPC: true,
      securityContext: {
        sysctls: [
          { name: 'net/ipv4/ip_forward', value: '1' },
          { name: 'kernel.shmmax', value: '1' },
          { name: 'vm.swappiness', value: '1' },
        ],
      },
    },
    causes: [
      'spec.securityContext.sysctls[0].name: Invalid value: "net/ipv4/ip_forward": may not be specified when \'hostNetwork\' is true',
      'spec.securityContext.sysctls[1].name: Invalid value: "kernel.shmmax": may not be specified when \'hostIPC\' is true',
    ],
  },
  {
    name: 'policies of a pod',
    ...podSecurity({ fsGroupChangePolicy: 'Foo', supplementalGroupsPolicy: 'Foo', seLinuxChangePolicy: 'Foo' }),
    causes: [
      'spec.securityContext.fsGroupChangePolicy: Unsupported value: "Foo": supported values: "Always", "OnRootMismatch"',
      'spec.securityContext.supplementalGroupsPolicy: Unsupported value: "Foo": supported values: "Merge", "Strict"',
      'spec.securityContext.seLinuxChangePolicy: Unsupported value: "Foo": supported values: "Recursive"',
    ],
  },
  {
    name: 'seccomp type',
    ...security({ seccompProfile: { type: 'Foo' } }),
    causes: [
      `${at}.securityContext.seccompProfile.type: Unsupported value: "Foo": supported values: "Localhost", "RuntimeDefault", "Unconfined"`,
    ],
  },
  {
    name: 'seccomp without a file',
    ...podSecurity({ seccompProfile: { type: 'Localhost' } }),
    causes: [
      'spec.securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost',
    ],
  },
  {
    name: 'seccomp file outside the profile folder',
    ...security({ seccompProfile: { type: 'Localhost', localhostProfile: '../x' } }),
    causes: [`${at}.securityContext.seccompProfile.localhostProfile: Invalid value: "../x": must not contain '..'`],
  },
  {
    name: 'AppArmor',
    spec: { securityContext: { appArmorProfile: { type: 'RuntimeDefault', localhostProfile: 'x' } } },
    container: { securityContext: { appArmorProfile: { type: 'Localhost', localhostProfile: ' x' } } },
    causes: [
      `${at}.securityContext.appArmorProfile.localhostProfile: Invalid value: " x": must not be padded with whitespace`,
      'spec.securityContext.appArmorProfile.localhostProfile: Invalid value: "x": can only be set when AppArmor type is Localhost',
    ],
  },
  {
    name: 'procMount',
    ...security({ procMount: 'Foo' }),
    causes: [`${at}.securityContext.procMount: Unsupported value: "Foo": supported values: "Default", "Unmasked"`],
  },
  {
    name: 'procMount of the host',
    ...security({ procMount: 'Unmasked' }),
    causes: [
      `${at}.securityContext.procMount: Invalid value: "Unmasked": \`hostUsers\` must be false to use \`Unmasked\``,
    ],
  },
  {
    name: 'procMount in a user namespace',
    ...security({ procMount: 'Unmasked' }),
    spec: { hostUsers: false },
    causes: [],
  },
  {
    name: 'a privileged container cannot disable escalation',
    ...security({ allowPrivilegeEscalation: false, privileged: true, capabilities: { add: ['CAP_SYS_ADMIN'] } }),
    causes: ['privileged` to true', 'capabilities.Add` CAP_SYS_ADMIN'].map(
      (what) =>
        `${at}.securityContext: Invalid value: {"allowPrivilegeEscalation":false,"privileged":true,` +
        `"capabilities":{"add":["CAP_SYS_ADMIN"]}}: cannot set \`allowPrivilegeEscalation\` to false and \`${what}`,
    ),
  },
  {
    name: 'hostPID with shareProcessNamespace',
    spec: { hostPID: true, shareProcessNamespace: true },
    causes: [
      'spec.securityContext.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot both be enabled',
    ],
  },
  {
    name: 'a user namespace together with namespaces of the host',
    spec: { hostUsers: false, hostPID: true, hostIPC: true, hostNetwork: true },
    causes: [
      'spec.hostNetwork: Forbidden: when `hostUsers` is false',
      'spec.HostPID: Forbidden: when `hostUsers` is false',
      'spec.HostIPC: Forbidden: when `hostUsers` is false',
    ],
  },
  {
    name: 'an unknown operating system',
    spec: { os: { name: 'Foo' } },
    causes: ['spec.os: Unsupported value: "Foo": supported values: "linux", "windows"'],
  },
  {
    name: 'Linux fields of a pod for Windows',
    spec: { os: { name: 'windows' }, hostPID: true, hostUsers: true, securityContext: { runAsUser: 1 } },
    container: { securityContext: { privileged: false } },
    causes: [
      'spec.hostUsers: Forbidden: cannot be set for a windows pod',
      'spec.hostPID: Forbidden: cannot be set for a windows pod',
      'spec.securityContext.runAsUser: Forbidden: cannot be set for a windows pod',
      `${at}.securityContext.privileged: Forbidden: cannot be set for a windows pod`,
    ],
  },
  {
    name: 'Windows options of a pod for Linux',
    spec: { os: { name: 'linux' }, securityContext: { windowsOptions: { runAsUserName: 'a\\b\\c' } } },
    causes: [
      'spec.securityContext.windowsOptions.runAsUserName: Invalid value: "a\\\\b\\\\c": runAsUserName cannot contain more than one backslash',
      'spec.securityContext.windowsOptions: Forbidden: windows options cannot be set for a linux pod',
    ],
  },
  {
    name: 'host processes of Windows',
    ...security({ windowsOptions: { hostProcess: true } }),
    causes: [
      'spec.hostNetwork: Invalid value: false: hostNetwork must be true if pod contains any hostProcess containers',
    ],
  },
  {
    name: 'ephemeral containers',
    spec: { ephemeralContainers: [{ name: 'c', image: 'i', targetContainerName: 'x', ports: [{ containerPort: 1 }] }] },
    causes: [
      'spec.ephemeralContainers[0].name: Duplicate value: "c"',
      'spec.ephemeralContainers[0].targetContainerName: Not found: "x"',
      'spec.ephemeralContainers[0].ports: Forbidden: cannot be set for an Ephemeral Container',
      'spec.ephemeralContainers: Forbidden: cannot be set on create',
    ],
  },
  {
    name: 'scheduling gates',
    spec: { schedulingGates: [{ name: 'a' }, { name: 'a' }], nodeName: 'n' },
    causes: [
      'spec.schedulingGates[1]: Duplicate value: "a"',
      'spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared',
    ],
  },
  {
    name: 'preemption policy',
    spec: { preemptionPolicy: 'Foo' },
    causes: ['spec.preemptionPolicy: Unsupported value: "Foo": supported values: "PreemptLowerPriority", "Never"'],
  },
  { name: 'a negative grace period', spec: { terminationGracePeriodSeconds: -1 }, causes: [] },
  {
    name: 'resize policy',
    spec: { restartPolicy: 'Never' },
    container: { resizePolicy: [{ resourceName: 'gpu', restartPolicy: 'Foo' }] },
    causes: [
      `${at}.resizePolicy: Unsupported value: "gpu": supported values: "cpu", "memory"`,
      `${at}.resizePolicy: Unsupported value: "Foo": supported values: "NotRequired", "RestartContainer"`,
      `${at}.resizePolicy: Invalid value: "Foo": must be 'NotRequired' when pod \`restartPolicy\` is 'Never'`,
    ],
  },
  {
    name: 'resources',
    container: {
      resources: {
        limits: { gpu: '1', 'hugepages-2Mi': '3Mi', 'example.com/gpu': '1500m', cpu: '-1' },
        requests: { 'example.com/tpu': '1' },
      },
    },
    causes: [
      `${at}.resources.limits[gpu]: Invalid value: "gpu": must be a standard resource type or fully qualified`,
      `${at}.resources.limits[gpu]: Invalid value: "gpu": must be a standard resource for containers`,
      `${at}.resources.limits[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi`,
      `${at}.resources.limits[example.com/gpu]: Invalid value: "1500m": must be an integer`,
      `${at}.resources.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0`,
      // Requests get their defaults from limits.
      `${at}.resources.requests[gpu]: Invalid value: "gpu": must be a standard resource type or fully qualified`,
      `${at}.resources.requests[gpu]: Invalid value: "gpu": must be a standard resource for containers`,
      `${at}.resources.requests[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi`,
      `${at}.resources.requests[example.com/gpu]: Invalid value: "1500m": must be an integer`,
      `${at}.resources.requests[cpu]: Invalid value: "-1": must be greater than or equal to 0`,
      `${at}.resources.limits: Required value: Limit must be set for non overcommitable resources`,
    ],
  },
  {
    name: 'huge pages alone',
    container: { resources: { limits: { 'hugepages-2Mi': '4Mi' } } },
    causes: [`${at}.resources: Forbidden: HugePages require cpu or memory`],
  },
  {
    name: 'claims',
    spec: { resourceClaims: [{ name: 'a' }, { name: 'b', resourceClaimName: 'x' }] },
    container: { resources: { claims: [{ name: 'b' }, { name: 'z' }] } },
    causes: [
      'spec.resourceClaims[0]: Invalid value: {"name":"a"}: must specify one of: `resourceClaimName`, `resourceClaimTemplateName`',
      `${at}.resources.claims[1]: Not found: "z": must be one of the names in pod.spec.resourceClaims: a, b`,
    ],
  },
  {
    name: 'resources of the pod as a whole',
    spec: { resources: { limits: { 'ephemeral-storage': '1', cpu: '1' }, requests: { cpu: '2' } } },
    causes: [
      'spec.resources.limits[ephemeral-storage]: Unsupported value: "ephemeral-storage": supported values: "cpu", "hugepages-", "memory"',
      'spec.resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
    ],
  },
  {
    name: 'mount propagation',
    ...mounted({ mountPropagation: 'Bidirectional' }),
    causes: [
      `${at}.volumeMounts.mountPropagation: Forbidden: Bidirectional mount propagation is available only to privileged containers`,
    ],
  },
  {
    name: 'mount propagation of a privileged container',
    ...mounted({ mountPropagation: 'Bidirectional' }, { securityContext: { privileged: true } }),
    causes: [],
  },
  {
    name: 'mounts',
    ...mounted({ mountPropagation: 'Foo', mountPath: '/a:b', subPath: '../x', recursiveReadOnly: 'Enabled' }),
    causes: [
      `${at}.volumeMounts[0].mountPath: Invalid value: "/a:b": must not contain ':'`,
      `${at}.volumeMounts.subPath: Invalid value: "../x": must not contain '..'`,
      `${at}.volumeMounts.mountPropagation: Unsupported value: "Foo": supported values: "Bidirectional", "HostToContainer", "None"`,
      `${at}.volumeMounts.recursiveReadOnly: Forbidden: may only be specified when readOnly is true`,
      `${at}.volumeMounts.recursiveReadOnly: Forbidden: may only be specified when mountPropagation is None or not specified`,
    ],
  },
  {
    name: 'devices',
    spec: { volumes: [{ name: 'v', emptyDir: {} }] },
    container: {
      volumeDevices: [
        { name: 'v', devicePath: '/dev/../x' },
        { name: 'w', devicePath: '' },
      ],
    },
    causes: [
      `${at}.volumeDevices[0].name: Invalid value: "v": can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode`,
      `${at}.volumeDevices[0].devicePath: Invalid value: "/dev/../x": can not contain backsteps ('..')`,
      `${at}.volumeDevices[1].name: Not found: "w"`,
      `${at}.volumeDevices[1].devicePath: Required value`,
    ],
  },
  {
    name: 'items of a volume',
    ...volume({
      configMap: {
        name: 'm',
        items: [
          { key: 'k', path: '..data/x' },
          { key: 'k', path: 'ok', mode: 512 },
        ],
      },
    }),
    causes: [
      'spec.volumes[0].configMap.items[0].path: Invalid value: "..data/x": must not start with \'..\'',
      'spec.volumes[0].configMap.items[1].mode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive',
    ],
  },
  {
    name: 'a projected volume',
    ...volume({
      projected: {
        sources: [
          { secret: { name: 's', items: [{ key: 'k', path: 'a' }] } },
          { configMap: { name: 'm', items: [{ key: 'k', path: 'a' }] } },
          { downwardAPI: { items: [{ path: 'b' }] }, secret: { name: 's' } },
          { serviceAccountToken: { path: '../t', expirationSeconds: 5 } },
        ],
      },
    }),
    causes: [
      'spec.volumes[0].projected: Invalid value: "m": conflicting duplicate paths',
      'spec.volumes[0].projected.sources[2].downwardAPI: Required value: one of fieldRef and resourceFieldRef is required',
      'spec.volumes[0].projected.sources[2]: Forbidden: may not specify more than 1 volume type per source',
      'spec.volumes[0].projected.sources[3].serviceAccountToken.expirationSeconds: Invalid value: 5: may not specify a duration less than 10 minutes',
      'spec.volumes[0].projected.path: Invalid value: "../t": must not contain \'..\'',
      'spec.volumes[0].projected.sources[3].serviceAccountToken: Forbidden: must not be specified when serviceAccountName is not set',
    ],
  },
  {
    name: 'any medium: the kubelet knows which there are',
    ...volume({ emptyDir: { medium: 'Foo' } }),
    causes: [],
  },
  { name: 'huge pages as a medium', ...volume({ emptyDir: { medium: 'HugePages-2Mi' } }), causes: [] },
  {
    name: 'network and cloud volumes',
    spec: {
      volumes: [
        { name: 'a', nfs: { server: '', path: 'x' } },
        { name: 'b', csi: { driver: '' } },
        { name: 'd', persistentVolumeClaim: { claimName: '' } },
        { name: 'e', ephemeral: { volumeClaimTemplate: { spec: {} } } },
      ],
    },
    causes: [
      'spec.volumes[0].nfs.server: Required value',
      'spec.volumes[0].nfs.path: Invalid value: "x": must be an absolute path',
      'spec.volumes[1].csi.driver: Required value',
      'spec.volumes[2].persistentVolumeClaim.claimName: Required value',
      'spec.volumes[3].ephemeral.volumeClaimTemplate.spec.accessModes: Required value: at least 1 access mode is required',
      'spec.volumes[3].ephemeral.volumeClaimTemplate.spec.resources[storage]: Required value',
    ],
  },
  {
    name: 'the downward API',
    container: {
      env: [
        { name: 'A', valueFrom: { fieldRef: { fieldPath: 'spec.nope' } } },
        { name: 'B', valueFrom: { fieldRef: { fieldPath: 'status.phase' } } },
        { name: 'C', valueFrom: { fieldRef: { fieldPath: "metadata.labels['a b']" } } },
        { name: 'D', value: 'x', valueFrom: { secretKeyRef: { name: 's', key: '' } } },
        { name: 'E', valueFrom: {} },
        { name: 'F', valueFrom: { resourceFieldRef: { resource: 'limits.gpu' } } },
        { name: 'G', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1Ki' } } },
      ],
    },
    causes: [
      `${at}.env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.nope": error converting fieldPath: field label not supported: spec.nope`,
      `${at}.env[1].valueFrom.fieldRef.fieldPath: Unsupported value: "status.phase": supported values: "metadata.name", ` +
        '"metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", ' +
        '"status.podIP", "status.podIPs"',
      `${at}.env[2].valueFrom.fieldRef: Invalid value: "a b": name part must consist of alphanumeric characters, '-', '_' or '.', ` +
        "and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', " +
        "regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
      `${at}.env[3].valueFrom.secretKeyRef.key: Required value`,
      `${at}.env[3].valueFrom: Invalid value: "": may not be specified when \`value\` is not empty`,
      `${at}.env[4].valueFrom: Invalid value: "": must specify one of: \`fieldRef\`, \`resourceFieldRef\`, \`configMapKeyRef\`, \`secretKeyRef\` or \`fileKeyRef\``,
      `${at}.env[5].valueFrom.resourceFieldRef.resource: Unsupported value: "limits.gpu": supported values: "limits.cpu", ` +
        '"limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage", "requests.memory"',
      `${at}.env[6].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.cpu": only divisor's values 1m and 1 are supported with the cpu resource`,
    ],
  },
  {
    name: 'hooks and signals',
    container: { lifecycle: { preStop: { sleep: { seconds: -1 } }, stopSignal: 'SIGTERM' } },
    causes: [
      `${at}.lifecycle.preStop.sleep: Invalid value: -1: must be non-negative and less than terminationGracePeriodSeconds (30)`,
      `${at}.lifecycle.stopSignal: Forbidden: may not be set for containers with empty \`spec.os.name\``,
    ],
  },
  {
    name: 'a hook that sleeps longer than the grace period',
    spec: { terminationGracePeriodSeconds: 5, os: { name: 'linux' } },
    container: { lifecycle: { preStop: { sleep: { seconds: 6 } }, stopSignal: 'SIGRTMIN+3' } },
    causes: [
      `${at}.lifecycle.preStop.sleep: Invalid value: 6: must be non-negative and less than terminationGracePeriodSeconds (5)`,
    ],
  },
  {
    name: 'tolerations',
    spec: {
      tolerations: [
        { key: 'a', operator: 'Exists', value: 'x' },
        { key: 'a', value: '-' },
        { key: 'b', operator: 'Lt' },
      ],
    },
    causes: [
      'spec.tolerations[0].operator: Invalid value: "x": value must be empty when `operator` is \'Exists\'',
      'spec.tolerations[1].operator: Invalid value: "-": a valid label must be an empty string or consist of alphanumeric characters, ' +
        "'-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', " +
        "regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
      'spec.tolerations[2].operator: Unsupported value: "Lt": supported values: "Equal", "Exists", "Lt", "Gt"',
    ],
  },
  {
    name: 'an initiator of iSCSI',
    ...volume({ iscsi: { targetPortal: 'a'.repeat(70), iqn: 'x', chapAuthSession: true, initiatorName: 'iqn.2001' } }),
    causes: [
      'spec.volumes[0].iscsi.iqn: Invalid value: "x": must be valid format starting with iqn, eui, or naa',
      'spec.volumes[0].iscsi.secretRef: Required value',
      'spec.volumes[0].iscsi.initiatorname: Invalid value: "iqn.2001": must be valid format',
      'spec.volumes[0].name: Invalid value: "v": Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.',
    ],
  },
  {
    name: 'a disk of another path',
    ...volume({ gcePersistentDisk: { partition: 256 } }),
    causes: [
      'spec.volumes[0].persistentDisk.pdName: Required value',
      'spec.volumes[0].persistentDisk.partition: Invalid value: 256: must be between 1 and 255, inclusive',
    ],
  },
  {
    name: 'disks of Azure',
    ...volume({ azureDisk: { diskName: 'd', diskURI: 'x', kind: 'Managed', cachingMode: 'x' } }),
    causes: [
      'spec.volumes[0].azureDisk.cachingMode: Unsupported value: "x": supported values: "None", "ReadOnly", "ReadWrite"',
      'spec.volumes[0].azureDisk.diskURI: Unsupported value: "x": supported values: "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"',
    ],
  },
  {
    name: 'fibre channel, flocker, cinder and quobyte',
    spec: {
      volumes: [
        { name: 'a', fc: { targetWWNs: ['x'] } },
        { name: 'b', fc: {} },
        { name: 'c', flocker: { datasetName: 'a/b' } },
        { name: 'd', cinder: { volumeID: 'v', secretRef: {} } },
        { name: 'e', quobyte: { registry: 'x' } },
      ],
    },
    causes: [
      'spec.volumes[0].fc.lun: Required value: lun is required if targetWWNs is specified',
      'spec.volumes[1].fc.targetWWNs: Required value: must specify either targetWWNs or wwids, but not both',
      'spec.volumes[2].flocker.datasetName: Invalid value: "a/b": must not contain \'/\'',
      'spec.volumes[3].cinder.secretRef.name: Required value',
      'spec.volumes[4].quobyte.registry: Invalid value: "x": must be a host:port pair or multiple pairs separated by commas',
      'spec.volumes[4].quobyte.volume: Required value',
    ],
  },
  {
    name: 'a claim of an ephemeral volume',
    spec: {
      volumes: [
        {
          name: 'v',
          ephemeral: {
            volumeClaimTemplate: {
              metadata: { labels: { a: '-x' } },
              spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
            },
          },
        },
        { name: 'w', persistentVolumeClaim: { claimName: 'p-v' } },
      ],
    },
    causes: [
      "spec.volumes[0].ephemeral.volumeClaimTemplate.metadata.labels: Invalid value: \"-x\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
      'spec.volumes[1].persistentVolumeClaim.claimName: Invalid value: "p-v": must not reference a PVC that gets created for an ephemeral volume',
    ],
  },
  {
    name: 'two sources in one volume',
    ...volume({ cephfs: { monitors: ['m'] }, emptyDir: {} }),
    causes: ['spec.volumes[0].cephFS: Forbidden: may not specify more than 1 volume type'],
  },
  {
    name: 'the restart policy of a container',
    container: { restartPolicyRules: [{ action: 'Stop', exitCodes: { operator: 'Is' } }, { action: 'Restart' }] },
    causes: [
      `${at}.restartPolicy: Required value: must specify restartPolicy when restart rules are used`,
      `${at}.restartPolicyRules[0].action: Unsupported value: "Stop": supported values: "Restart", "RestartAllContainers"`,
      `${at}.restartPolicyRules[0].exitCodes.operator: Unsupported value: "Is": supported values: "In", "NotIn"`,
      `${at}.restartPolicyRules[1].exitCodes: Required value: must be specified`,
    ],
  },
  {
    name: 'variables from files',
    spec: { volumes: [{ name: 'h', hostPath: { path: '/' } }] },
    container: {
      env: [
        { name: 'A', valueFrom: { fileKeyRef: { volumeName: 'h', path: '../x', key: 'K' } } },
        { name: 'B', valueFrom: { fileKeyRef: { volumeName: 'x', path: 'p' } } },
      ],
    },
    causes: [
      `${at}.env[0].valueFrom.fileKeyRef.path: Invalid value: "../x": must not contain '..'`,
      `${at}.env[1].valueFrom.fileKeyRef.key: Required value`,
      `${at}.env[0].valueFrom.fileKeyRef.volumeName: Invalid value: "h": referenced volume must be of type emptyDir`,
      `${at}.env[1].valueFrom.fileKeyRef.volumeName: Not found: "x"`,
    ],
  },
  {
    name: 'a field of a node',
    spec: {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['a', 'b'] }] }],
          },
          preferredDuringSchedulingIgnoredDuringExecution: [
            { weight: 1, preference: { matchExpressions: [{ key: 'k', operator: 'In', values: ['-no-label'] }] } },
          ],
        },
      },
    },
    causes: [
      "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchFields[0].values: Required value: must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
    ],
  },
  {
    name: 'namespaces and label keys of a term',
    spec: {
      affinity: {
        podAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [
            { topologyKey: 't', namespaces: ['a.b'], matchLabelKeys: ['k'] },
            { topologyKey: 't', labelSelector: {}, matchLabelKeys: ['k'], mismatchLabelKeys: ['k'] },
          ],
        },
      },
    },
    causes: [
      'spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].namespace: Invalid value: "a.b": must not contain dots',
      'spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].matchLabelKeys: Forbidden: must not be specified when labelSelector is not set',
      'spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[1].matchLabelKeys[0]: Invalid value: "k": exists in both matchLabelKeys and mismatchLabelKeys',
    ],
  },
  {
    name: 'spread constraints',
    spec: {
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: 'zone',
          whenUnsatisfiable: 'ScheduleAnyway',
          minDomains: 2,
          nodeTaintsPolicy: 'Foo',
        },
        { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway', matchLabelKeys: ['a'] },
      ],
    },
    causes: [
      'spec.topologySpreadConstraints[0].{topologyKey, whenUnsatisfiable}: Duplicate value: "{zone, ScheduleAnyway}"',
      'spec.topologySpreadConstraints[0].minDomains: Invalid value: 2: can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway',
      'spec.topologySpreadConstraints[0].nodeTaintsPolicy: Unsupported value: "Foo": supported values: "Honor", "Ignore"',
      'spec.topologySpreadConstraints[1].matchLabelKeys: Forbidden: must not be specified when labelSelector is not set',
    ],
  },
  {
    name: 'annotations',
    annotations: {
      'kubernetes.io/config.mirror': 'x',
      'controller.kubernetes.io/pod-deletion-cost': '1.5',
      'container.apparmor.security.beta.kubernetes.io/x': 'foo',
      'seccomp.security.alpha.kubernetes.io/pod': 'foo',
    },
    causes: [
      'metadata.annotations[kubernetes.io/config.mirror]: Invalid value: "x": must set spec.nodeName if mirror pod annotation is set',
      'metadata.annotations[controller.kubernetes.io/pod-deletion-cost]: Invalid value: "1.5": must be a 32bit integer',
      'metadata.annotations[container.apparmor.security.beta.kubernetes.io/x]: Invalid value: "x": container not found',
      'metadata.annotations[container.apparmor.security.beta.kubernetes.io/x]: Invalid value: "foo": invalid AppArmor profile name: "foo"',
      'metadata.annotations.seccomp.security.alpha.kubernetes.io/pod: Invalid value: "foo": must be a valid seccomp profile',
    ],
  },
  {
    name: 'an annotation that differs from the field',
    annotations: { 'seccomp.security.alpha.kubernetes.io/pod': 'unconfined' },
    ...podSecurity({ seccompProfile: { type: 'RuntimeDefault' } }),
    causes: ['spec.securityContext.seccompProfile.type: Forbidden: seccomp type in annotation and field must match'],
  },
  { name: 'a pull secret without a name causes only a warning', spec: { imagePullSecrets: [{}] }, causes: [] },
  {
    name: 'the name of a class',
    spec: { runtimeClassName: 'a_b' },
    causes: [
      `spec.runtimeClassName: Invalid value: "a_b": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`,
    ],
  },
];

t.test('each rule about pods refuses its case', async (t) => {
  for (const { name, causes, ...change } of cases) t.same(causesOf(makePod(change)), causes, name);
});

t.test('templates follow the same rules, except those that are checked on pods only', async (t) => {
  const template = (change: object, container: object = {}) => {
    const body = {
      metadata: { name: 'd', namespace: 'n' },
      spec: {
        selector: { matchLabels: { a: 'b' } },
        template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ ...base, ...container }], ...change } },
      },
    };
    deployments.options.defaults?.(body as never);
    const causes = deployments.options.validate?.(body as never, { subresource: '' }) ?? [];
    return causes.map(({ field, message }) => `${field}: ${message}`);
  };
  t.same(template({ hostNetwork: true }, { ports: [{ containerPort: 80 }], image: ' i ' }), []);
  t.same(template({ securityContext: { runAsUser: -1 } }), [
    'spec.template.spec.securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive',
  ]);
  t.same(template({ ephemeralContainers: [{ name: 'e', image: 'i' }] }), [
    'spec.template.spec.ephemeralContainers: Forbidden: ephemeral containers not allowed in pod template',
  ]);
});

t.test('a pod stored under older rules', async (t) => {
  const old = makePod({ spec: { securityContext: { runAsUser: -1 } } });
  const now = structuredClone(old);
  now.metadata!.labels = { a: 'b' };
  t.same(causesOf(now, old), [], 'its labels can be changed');
  now.spec!.containers[0]!.image = ' x';
  t.same(causesOf(now, old), [
    'spec.containers[0].image: Invalid value: " x": must not have leading or trailing whitespace',
  ]);
});

t.test('annotations that cannot be changed', async (t) => {
  const old = makePod({ spec: { nodeName: 'n' }, annotations: { 'kubernetes.io/config.mirror': 'x' } });
  const now = makePod({
    spec: { nodeName: 'n' },
    annotations: { 'container.apparmor.security.beta.kubernetes.io/c': 'unconfined' },
  });
  t.same(causesOf(now, old), [
    'metadata.annotations[kubernetes.io/config.mirror]: Forbidden: may not remove or update mirror pod annotation',
    'metadata.annotations[container.apparmor.security.beta.kubernetes.io/c]: Forbidden: may not add AppArmor annotations',
  ]);
});

t.test('a negative grace period may change to one second and to nothing else', async (t) => {
  const old = makePod({ spec: { terminationGracePeriodSeconds: -1 } });
  t.same(causesOf(makePod({ spec: { terminationGracePeriodSeconds: 1 } }), old), []);
  t.match(causesOf(makePod({ spec: { terminationGracePeriodSeconds: 2 } }), old), [
    /^spec: Forbidden: pod updates may not/,
  ]);
});

t.test('volumes get their defaults', async (t) => {
  const pod = makePod({
    spec: {
      volumes: [
        { name: 'a', iscsi: { targetPortal: 'p', iqn: 'iqn.x', lun: 0 } },
        { name: 'b', image: { reference: 'i:1' } },
        { name: 'd', ephemeral: { volumeClaimTemplate: { spec: { accessModes: ['ReadWriteOnce'] } } } },
      ],
    },
  });
  t.match(pod.spec?.volumes, [
    { iscsi: { iscsiInterface: 'default' } },
    { image: { pullPolicy: 'IfNotPresent' } },
    { ephemeral: { volumeClaimTemplate: { spec: { volumeMode: 'Filesystem' } } } },
  ]);
});

t.test('label keys of a new pod become terms of its selectors, once', async (t) => {
  const term = () => ({
    topologyKey: 't',
    labelSelector: {},
    matchLabelKeys: ['a', 'absent'],
    mismatchLabelKeys: ['b'],
  });
  const pod = makePod({
    spec: {
      affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term()] } },
      topologySpreadConstraints: [
        { maxSkew: 1, topologyKey: 't', whenUnsatisfiable: 'ScheduleAnyway', labelSelector: {}, matchLabelKeys: ['a'] },
      ],
    },
  });
  pod.metadata = { ...pod.metadata, labels: { a: '1', b: '2' } };
  for (let i = 0; i < 2; i++) pods.options.prepare?.(pod, { subresource: '' });
  const a = { key: 'a', operator: 'In', values: ['1'] };
  const b = { key: 'b', operator: 'NotIn', values: ['2'] };
  t.same(pod.spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.[0]?.labelSelector, {
    matchExpressions: [a, b],
  });
  t.same(pod.spec?.topologySpreadConstraints?.[0]?.labelSelector, { matchExpressions: [a] });
  t.same(causesOf(pod), []);
  pod.spec!.topologySpreadConstraints![0]!.labelSelector!.matchLabels = { a: '1' };
  t.same(causesOf(pod), [
    'spec.topologySpreadConstraints[0][0]: Invalid value: "a": exists in both matchLabelKeys and labelSelector',
  ]);
});

t.test('fields whose feature gates are off by default are dropped', async (t) => {
  const sources = [{ clusterTrustBundle: { name: 'c', path: 'p' } }, { podCertificate: { signerName: 'a.b/c' } }];
  const pod = makePod({ ...volume({ projected: { sources } }) });
  t.same(pod.spec?.volumes?.[0]?.projected?.sources, [{}, {}]);
});
