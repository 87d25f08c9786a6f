// The services of device plug-ins: v1beta1 of k8s.io/kubelet/pkg/apis/deviceplugin.
import type { ServiceSchema } from '../grpc/rpc';

export const pluginVersion = 'v1beta1';
export const pluginType = 'DevicePlugin';
export const healthy = 'Healthy';

export interface PluginOptions {
  readonly preStartRequired: boolean;
  readonly getPreferredAllocationAvailable: boolean;
}

export interface PluginDevice {
  readonly ID: string;
  /** Healthy, or anything else. */
  readonly health: string;
  readonly topology?: { readonly nodes: readonly { readonly ID: number }[] } | null;
}

/** What a container needs to use its devices. */
export interface ContainerResponse {
  readonly envs: Readonly<Record<string, string>>;
  readonly mounts: readonly { readonly containerPath: string; readonly hostPath: string; readonly readOnly: boolean }[];
  /** `permissions`: some of the letters r, w and m (mknod). */
  readonly devices: readonly {
    readonly containerPath: string;
    readonly hostPath: string;
    readonly permissions: string;
  }[];
  readonly annotations: Readonly<Record<string, string>>;
  readonly cdiDevices: readonly { readonly name: string }[];
}

export interface RegisterRequest {
  readonly version: string;
  /** The plug-in's own socket, below the folder of the kubelet's. */
  readonly endpoint: string;
  readonly resourceName: string;
}

export type RegistrationCalls = {
  Register: { request: RegisterRequest; response: object };
};

const options = {
  fields: {
    preStartRequired: { type: 'bool', id: 1 },
    getPreferredAllocationAvailable: { type: 'bool', id: 2 },
  },
};

export const registrationService: ServiceSchema<RegistrationCalls> = {
  service: 'v1beta1.Registration',
  messages: {
    Empty: { fields: {} },
    DevicePluginOptions: options,
    RegisterRequest: {
      fields: {
        version: { type: 'string', id: 1 },
        endpoint: { type: 'string', id: 2 },
        resourceName: { type: 'string', id: 3 },
        options: { type: 'DevicePluginOptions', id: 4 },
      },
    },
  },
  methods: { Register: ['RegisterRequest', 'Empty'] },
};

type Ids = readonly string[];

export type PluginCalls = {
  GetDevicePluginOptions: { request: object; response: PluginOptions };
  ListAndWatch: { request: object; response: { readonly devices: readonly PluginDevice[] } };
  GetPreferredAllocation: {
    request: {
      readonly containerRequests: readonly {
        readonly availableDeviceIDs: Ids;
        readonly mustIncludeDeviceIDs: Ids;
        readonly allocationSize: number;
      }[];
    };
    response: { readonly containerResponses: readonly { readonly deviceIDs: Ids }[] };
  };
  Allocate: {
    request: { readonly containerRequests: readonly { readonly devicesIds: Ids }[] };
    response: { readonly containerResponses: readonly ContainerResponse[] };
  };
  PreStartContainer: { request: { readonly devicesIds: Ids }; response: object };
};

const strings = (id: number) => ({ rule: 'repeated' as const, type: 'string', id });
const list = (type: string, id: number) => ({ rule: 'repeated' as const, type, id });

export const pluginService: ServiceSchema<PluginCalls> = {
  service: 'v1beta1.DevicePlugin',
  messages: {
    Empty: { fields: {} },
    DevicePluginOptions: options,
    NUMANode: { fields: { ID: { type: 'int64', id: 1 } } },
    TopologyInfo: { fields: { nodes: list('NUMANode', 1) } },
    Device: {
      fields: {
        ID: { type: 'string', id: 1 },
        health: { type: 'string', id: 2 },
        topology: { type: 'TopologyInfo', id: 3 },
      },
    },
    ListAndWatchResponse: { fields: { devices: list('Device', 1) } },
    ContainerPreferredAllocationRequest: {
      fields: {
        availableDeviceIDs: strings(1),
        mustIncludeDeviceIDs: strings(2),
        allocationSize: { type: 'int32', id: 3 },
      },
    },
    PreferredAllocationRequest: { fields: { containerRequests: list('ContainerPreferredAllocationRequest', 1) } },
    ContainerPreferredAllocationResponse: { fields: { deviceIDs: strings(1) } },
    PreferredAllocationResponse: { fields: { containerResponses: list('ContainerPreferredAllocationResponse', 1) } },
    ContainerAllocateRequest: { fields: { devicesIds: strings(1) } },
    AllocateRequest: { fields: { containerRequests: list('ContainerAllocateRequest', 1) } },
    Mount: {
      fields: {
        containerPath: { type: 'string', id: 1 },
        hostPath: { type: 'string', id: 2 },
        readOnly: { type: 'bool', id: 3 },
      },
    },
    DeviceSpec: {
      fields: {
        containerPath: { type: 'string', id: 1 },
        hostPath: { type: 'string', id: 2 },
        permissions: { type: 'string', id: 3 },
      },
    },
    CDIDevice: { fields: { name: { type: 'string', id: 1 } } },
    ContainerAllocateResponse: {
      fields: {
        envs: { keyType: 'string', type: 'string', id: 1 },
        mounts: list('Mount', 2),
        devices: list('DeviceSpec', 3),
        annotations: { keyType: 'string', type: 'string', id: 4 },
        cdiDevices: list('CDIDevice', 5),
      },
    },
    AllocateResponse: { fields: { containerResponses: list('ContainerAllocateResponse', 1) } },
    PreStartContainerRequest: { fields: { devicesIds: strings(1) } },
    PreStartContainerResponse: { fields: {} },
  },
  methods: {
    GetDevicePluginOptions: ['Empty', 'DevicePluginOptions'],
    ListAndWatch: ['Empty', 'ListAndWatchResponse'],
    GetPreferredAllocation: ['PreferredAllocationRequest', 'PreferredAllocationResponse'],
    Allocate: ['AllocateRequest', 'AllocateResponse'],
    PreStartContainer: ['PreStartContainerRequest', 'PreStartContainerResponse'],
  },
};
