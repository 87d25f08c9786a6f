// The service of a plug-in by which it registers with the kubelet: pluginregistration v1 (k8s.io/kubelet/pkg/apis/pluginregistration).
import type { ServiceSchema } from '../grpc/rpc';

export interface PluginInfo {
  /** CSIPlugin, DevicePlugin, DRAPlugin. */
  readonly type: string;
  readonly name: string;
  /** Path of the socket that serves the plug-in itself; '' means the registration socket. */
  readonly endpoint: string;
  readonly supportedVersions: readonly string[];
}

export type RegistrationCalls = {
  GetInfo: { request: object; response: PluginInfo };
  NotifyRegistrationStatus: { request: { pluginRegistered: boolean; error: string }; response: object };
};

export const registrationService: ServiceSchema<RegistrationCalls> = {
  service: 'pluginregistration.Registration',
  messages: {
    Empty: { fields: {} },
    PluginInfo: {
      fields: {
        type: { type: 'string', id: 1 },
        name: { type: 'string', id: 2 },
        endpoint: { type: 'string', id: 3 },
        supportedVersions: { rule: 'repeated', type: 'string', id: 4 },
      },
    },
    RegistrationStatus: {
      fields: { pluginRegistered: { type: 'bool', id: 1 }, error: { type: 'string', id: 2 } },
    },
  },
  methods: {
    GetInfo: ['Empty', 'PluginInfo'],
    NotifyRegistrationStatus: ['RegistrationStatus', 'Empty'],
  },
};
