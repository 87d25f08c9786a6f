// /configz: what this kubelet obeys, as a KubeletConfiguration: its options, and the constants that upstream lets one choose. A field that
// is absent has no counterpart here. Pure.
// Source: kubernetes.io, "Kubelet Configuration (v1beta1)".
import { goDurationText } from '../../../controlplane/base/duration';
import type { Options } from '../options';

export interface ConfigzFacts {
  readonly options: Options;
  /** The address at which the server listens. */
  readonly address: string;
}

export function configz({ options, address }: ConfigzFacts): object {
  const { nodeShutdownGracePeriodByPodPriority: periods } = options;
  return {
    kubeletconfig: {
      kind: 'KubeletConfiguration',
      apiVersion: 'kubelet.config.k8s.io/v1beta1',
      enableServer: true,
      address,
      port: options.port,
      readOnlyPort: 0,
      tlsCertFile: `${options.pkiDir}/kubelet.crt`,
      tlsPrivateKeyFile: `${options.pkiDir}/kubelet.key`,
      rotateCertificates: options.rotateCertificates,
      authentication: {
        x509: { clientCAFile: `${options.pkiDir}/ca.crt` },
        webhook: { enabled: true, cacheTTL: '2m0s' },
        anonymous: { enabled: false },
      },
      authorization: { mode: 'Webhook', webhook: { cacheAuthorizedTTL: '5m0s', cacheUnauthorizedTTL: '30s' } },
      healthzPort: options.healthzPort,
      healthzBindAddress: '127.0.0.1',
      clusterDomain: options.clusterDomain,
      clusterDNS: [options.clusterDns],
      registerNode: true,
      nodeStatusUpdateFrequency: '10s',
      nodeStatusReportFrequency: '5m0s',
      nodeLeaseDurationSeconds: 40,
      enableDebuggingHandlers: true,
      enableSystemLogHandler: true,
      enableProfilingHandler: false,
      enableContentionProfiling: false,
      configMapAndSecretChangeDetectionStrategy: 'Watch',
      cpuManagerPolicy: 'none',
      memoryManagerPolicy: 'None',
      topologyManagerPolicy: 'none',
      failSwapOn: false,
      seccompDefault: true,
      crashLoopBackOff: { maxContainerRestartPeriod: '5m0s' },
      maxPods: options.maxPods,
      podsPerCore: options.podsPerCore,
      podPidsLimit: options.podMaxPids,
      cgroupRoot: options.cgroupRoot,
      cgroupsPerQOS: options.cgroupsPerQos,
      enforceNodeAllocatable: options.cgroupsPerQos ? ['pods'] : [],
      localStorageCapacityIsolation: true,
      volumeStatsAggPeriod: '1m0s',
      kubeReserved: options.kubeReserved,
      systemReserved: options.systemReserved,
      evictionHard: options.evictionHard,
      evictionSoft: options.evictionSoft,
      evictionSoftGracePeriod: options.evictionSoftGracePeriod,
      evictionMinimumReclaim: options.evictionMinimumReclaim,
      evictionMaxPodGracePeriod: options.evictionMaxPodGracePeriod,
      evictionPressureTransitionPeriod: goDurationText(options.evictionPressureTransitionPeriod),
      imageGCHighThresholdPercent: options.imageGcHighThreshold,
      imageGCLowThresholdPercent: options.imageGcLowThreshold,
      imageMinimumGCAge: goDurationText(options.minimumImageTtl),
      imageMaximumGCAge: goDurationText(options.maximumImageGcAge),
      resolvConf: options.resolvConf,
      allowedUnsafeSysctls: [...options.allowedUnsafeSysctls],
      shutdownGracePeriod: goDurationText(options.nodeShutdownGracePeriod),
      shutdownGracePeriodCriticalPods: goDurationText(options.nodeShutdownGracePeriodCriticalPods),
      ...(periods.length === 0
        ? {}
        : {
            shutdownGracePeriodByPodPriority: periods.map(({ priority, seconds }) => ({
              priority,
              shutdownGracePeriodSeconds: seconds,
            })),
          }),
      containerLogMaxSize: '10Mi',
      containerLogMaxFiles: 5,
      containerRuntimeEndpoint: options.dockerHost,
    },
  };
}
