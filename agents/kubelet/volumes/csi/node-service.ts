// The Node service of a CSI driver (CSI specification 1.12, csi.v1.Node), as far as the kubelet calls it.
import type { ServiceSchema } from '../../grpc/rpc';

type Strings = Readonly<Record<string, string>>;

/** VolumeCapability.AccessMode of the specification. */
export const accessModes = {
  SINGLE_NODE_WRITER: 1,
  SINGLE_NODE_READER_ONLY: 2,
  MULTI_NODE_READER_ONLY: 3,
  MULTI_NODE_MULTI_WRITER: 5,
  SINGLE_NODE_SINGLE_WRITER: 6,
  SINGLE_NODE_MULTI_WRITER: 7,
} as const;

/** NodeServiceCapability.RPC of the specification. */
export const nodeCapabilities = {
  STAGE_UNSTAGE_VOLUME: 1,
  GET_VOLUME_STATS: 2,
  EXPAND_VOLUME: 3,
  VOLUME_CONDITION: 4,
  SINGLE_NODE_MULTI_WRITER: 5,
  VOLUME_MOUNT_GROUP: 6,
} as const;
export type NodeCapability = keyof typeof nodeCapabilities;

/** VolumeUsage.Unit of the specification. */
export const usageUnits = { BYTES: 1, INODES: 2 } as const;

export interface VolumeCapability {
  readonly block?: object;
  readonly mount?: {
    readonly fsType: string;
    readonly mountFlags: readonly string[];
    readonly volumeMountGroup: string;
  };
  readonly accessMode: { readonly mode: number };
}

export interface NodeInfo {
  readonly nodeId: string;
  /** 0 means that the driver has no limit. */
  readonly maxVolumesPerNode: number;
  readonly accessibleTopology?: { readonly segments: Strings } | null;
}

interface Staged {
  readonly volumeId: string;
  readonly publishContext: Strings;
  readonly stagingTargetPath: string;
  readonly volumeCapability: VolumeCapability;
  readonly secrets: Strings;
  readonly volumeContext: Strings;
}

export interface VolumeUsage {
  readonly available: number;
  readonly total: number;
  readonly used: number;
  readonly unit: number;
}

export type NodeCalls = {
  NodeGetInfo: { request: object; response: NodeInfo };
  NodeGetCapabilities: {
    request: object;
    response: { readonly capabilities: readonly { readonly rpc?: { readonly type: number } | null }[] };
  };
  NodeStageVolume: { request: Staged; response: object };
  NodeUnstageVolume: { request: Pick<Staged, 'volumeId' | 'stagingTargetPath'>; response: object };
  NodePublishVolume: {
    request: Staged & { readonly targetPath: string; readonly readonly: boolean };
    response: object;
  };
  NodeUnpublishVolume: { request: { readonly volumeId: string; readonly targetPath: string }; response: object };
  NodeGetVolumeStats: {
    request: { readonly volumeId: string; readonly volumePath: string; readonly stagingTargetPath: string };
    response: {
      readonly usage: readonly VolumeUsage[];
      readonly volumeCondition?: { readonly abnormal: boolean; readonly message: string } | null;
    };
  };
  NodeExpandVolume: {
    request: {
      readonly volumeId: string;
      readonly volumePath: string;
      readonly capacityRange: { readonly requiredBytes: number };
      readonly stagingTargetPath: string;
      readonly volumeCapability: VolumeCapability;
      readonly secrets: Strings;
    };
    response: { readonly capacityBytes: number };
  };
};

const text = (id: number) => ({ type: 'string', id });
const texts = (id: number) => ({ keyType: 'string', type: 'string', id });
const number = (id: number) => ({ type: 'int64', id });
const message = (type: string, id: number) => ({ type, id });
const list = (type: string, id: number) => ({ rule: 'repeated' as const, type, id });

export const nodeService: ServiceSchema<NodeCalls> = {
  service: 'csi.v1.Node',
  messages: {
    Empty: { fields: {} },
    NodeInfo: {
      fields: { nodeId: text(1), maxVolumesPerNode: number(2), accessibleTopology: message('Topology', 3) },
    },
    Topology: { fields: { segments: texts(1) } },
    Capabilities: { fields: { capabilities: list('Capability', 1) } },
    Capability: { fields: { rpc: message('CapabilityRpc', 1) } },
    // Enumerations are numbers on the wire: a newer driver may have more of them.
    CapabilityRpc: { fields: { type: { type: 'int32', id: 1 } } },
    StageRequest: {
      fields: {
        volumeId: text(1),
        publishContext: texts(2),
        stagingTargetPath: text(3),
        volumeCapability: message('VolumeCapability', 4),
        secrets: texts(5),
        volumeContext: texts(6),
      },
    },
    UnstageRequest: { fields: { volumeId: text(1), stagingTargetPath: text(2) } },
    PublishRequest: {
      fields: {
        volumeId: text(1),
        publishContext: texts(2),
        stagingTargetPath: text(3),
        targetPath: text(4),
        volumeCapability: message('VolumeCapability', 5),
        readonly: { type: 'bool', id: 6 },
        secrets: texts(7),
        volumeContext: texts(8),
      },
    },
    UnpublishRequest: { fields: { volumeId: text(1), targetPath: text(2) } },
    VolumeCapability: {
      fields: {
        block: message('Empty', 1),
        mount: message('MountVolume', 2),
        accessMode: message('AccessMode', 3),
      },
    },
    MountVolume: { fields: { fsType: text(1), mountFlags: list('string', 2), volumeMountGroup: text(3) } },
    AccessMode: { fields: { mode: { type: 'int32', id: 1 } } },
    StatsRequest: { fields: { volumeId: text(1), volumePath: text(2), stagingTargetPath: text(3) } },
    StatsResponse: { fields: { usage: list('VolumeUsage', 1), volumeCondition: message('VolumeCondition', 2) } },
    VolumeUsage: {
      fields: { available: number(1), total: number(2), used: number(3), unit: { type: 'int32', id: 4 } },
    },
    VolumeCondition: { fields: { abnormal: { type: 'bool', id: 1 }, message: text(2) } },
    ExpandRequest: {
      fields: {
        volumeId: text(1),
        volumePath: text(2),
        capacityRange: message('CapacityRange', 3),
        stagingTargetPath: text(4),
        volumeCapability: message('VolumeCapability', 5),
        secrets: texts(6),
      },
    },
    ExpandResponse: { fields: { capacityBytes: number(1) } },
    CapacityRange: { fields: { requiredBytes: number(1), limitBytes: number(2) } },
  },
  methods: {
    NodeGetInfo: ['Empty', 'NodeInfo'],
    NodeGetCapabilities: ['Empty', 'Capabilities'],
    NodeStageVolume: ['StageRequest', 'Empty'],
    NodeUnstageVolume: ['UnstageRequest', 'Empty'],
    NodePublishVolume: ['PublishRequest', 'Empty'],
    NodeUnpublishVolume: ['UnpublishRequest', 'Empty'],
    NodeGetVolumeStats: ['StatsRequest', 'StatsResponse'],
    NodeExpandVolume: ['ExpandRequest', 'ExpandResponse'],
  },
};
