// /configz: the options of this kubelet as a KubeletConfiguration, by upstream's names for those that upstream has. Pure.
// Source: kubernetes.io, "Kubelet Configuration (v1beta1)".
import type { Options } from '../options';

export function configz(options: Options): object {
  return {
    kubeletconfig: {
      kind: 'KubeletConfiguration',
      apiVersion: 'kubelet.config.k8s.io/v1beta1',
      address: '0.0.0.0',
      port: options.port,
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
      maxPods: options.maxPods,
      podsPerCore: options.podsPerCore,
      podPidsLimit: options.podMaxPids,
      cgroupRoot: options.cgroupRoot,
      cgroupsPerQOS: options.cgroupsPerQos,
      kubeReserved: options.kubeReserved,
      systemReserved: options.systemReserved,
      evictionHard: options.evictionHard,
      evictionSoft: options.evictionSoft,
      evictionSoftGracePeriod: options.evictionSoftGracePeriod,
      evictionMinimumReclaim: options.evictionMinimumReclaim,
      evictionMaxPodGracePeriod: options.evictionMaxPodGracePeriod,
      evictionPressureTransitionPeriod: `${options.evictionPressureTransitionPeriod / 1000}s`,
      imageGCHighThresholdPercent: options.imageGcHighThreshold,
      imageGCLowThresholdPercent: options.imageGcLowThreshold,
      imageMinimumGCAge: `${options.minimumImageTtl / 1000}s`,
      imageMaximumGCAge: `${options.maximumImageGcAge / 1000}s`,
      resolvConf: options.resolvConf,
      allowedUnsafeSysctls: [...options.allowedUnsafeSysctls],
      shutdownGracePeriod: `${options.shutdownGraceSeconds}s`,
      containerLogMaxSize: '10Mi',
      containerLogMaxFiles: 5,
      containerRuntimeEndpoint: options.dockerHost,
    },
  };
}
