import t from 'tap';
import { parseOptions } from '../../../controlplane/process/options';
import { argumentsOf } from '../node/config-file';
import { kubeletOptions } from '../options';
import { configz } from './configz';

const head = { kind: 'KubeletConfiguration', apiVersion: 'kubelet.config.k8s.io/v1beta1' };
const needed = ['--kubeconfig=/x', '--node-name=n1', '--pki-dir=/pki'];
const shown = (file: object) => {
  const { options } = parseOptions(kubeletOptions, [...argumentsOf({ ...head, ...file }), ...needed], {});
  return (configz({ options, address: '0.0.0.0' }) as { kubeletconfig: Record<string, unknown> }).kubeletconfig;
};

t.test('every field of a file is shown as it was given', async (t) => {
  const file = {
    allowedUnsafeSysctls: ['net.core.somaxconn'],
    cgroupRoot: '/k8ts',
    cgroupsPerQOS: false,
    clusterDNS: ['10.0.0.10'],
    clusterDomain: 'example.org',
    evictionHard: { 'memory.available': '200Mi', 'nodefs.available': '5%' },
    evictionMaxPodGracePeriod: 30,
    evictionMinimumReclaim: { 'memory.available': '50Mi' },
    evictionPressureTransitionPeriod: '1m30s',
    evictionSoft: { 'memory.available': '400Mi' },
    evictionSoftGracePeriod: { 'memory.available': '1m0s' },
    healthzPort: 11,
    imageGCHighThresholdPercent: 70,
    imageGCLowThresholdPercent: 60,
    imageMaximumGCAge: '1h0m0s',
    imageMinimumGCAge: '5m0s',
    kubeReserved: { cpu: '100m' },
    maxPods: 50,
    podPidsLimit: 1000,
    podsPerCore: 5,
    port: 12,
    resolvConf: '/etc/other',
    rotateCertificates: false,
    shutdownGracePeriod: '30s',
    shutdownGracePeriodCriticalPods: '10s',
    systemReserved: { memory: '1Gi' },
  };
  t.match(shown(file), file);
  const byPriority = [
    { priority: 100, shutdownGracePeriodSeconds: 20 },
    { priority: 0, shutdownGracePeriodSeconds: 10 },
  ];
  t.match(shown({ shutdownGracePeriodByPodPriority: byPriority }), {
    shutdownGracePeriod: '0s',
    shutdownGracePeriodByPodPriority: byPriority,
  });
});

t.test('without a file: the defaults that hold', async (t) => {
  const found = shown({});
  t.match(found, {
    ...head,
    address: '0.0.0.0',
    evictionHard: {
      'memory.available': '100Mi',
      'nodefs.available': '10%',
      'nodefs.inodesFree': '5%',
      'imagefs.available': '15%',
      'imagefs.inodesFree': '5%',
    },
    evictionPressureTransitionPeriod: '5m0s',
    imageMaximumGCAge: '0s',
    enforceNodeAllocatable: ['pods'],
    shutdownGracePeriod: '0s',
    shutdownGracePeriodCriticalPods: '0s',
  });
  t.notOk('shutdownGracePeriodByPodPriority' in found);
});
