// The part of etcd's API (version 3.4 and later) that the store uses: etcdserverpb and mvccpb of etcd's documentation, as data. Numbers of
// fields are those of the wire. A `oneof` is a message with one of its fields.
import type { Messages } from '../../grpc/messages';

export interface Header {
  readonly revision: number;
}
export interface KeyValue {
  readonly key: Buffer;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly value: Buffer;
}
export interface RangeRequest {
  readonly key: Buffer;
  /** The first key after the range; absent: only `key`. */
  readonly rangeEnd?: Buffer;
  readonly limit?: number;
  readonly revision?: number;
  readonly keysOnly?: boolean;
  readonly countOnly?: boolean;
}
export interface RangeResponse {
  readonly header: Header;
  readonly kvs: readonly KeyValue[];
  readonly more: boolean;
}
/** Compares a revision of a key (0: the key does not exist), or its value, with a given one. With `rangeEnd` for all keys of the range. */
export interface Compare {
  readonly result: (typeof compareResult)[keyof typeof compareResult];
  readonly target: (typeof compareTarget)[keyof typeof compareTarget];
  readonly key: Buffer;
  readonly rangeEnd?: Buffer;
  readonly createRevision?: number;
  readonly modRevision?: number;
  readonly value?: Buffer;
}
export const compareResult = { equal: 0, greater: 1, less: 2 } as const;
export const compareTarget = { create: 1, mod: 2, value: 3 } as const;

export type RequestOp =
  | { readonly requestRange: RangeRequest }
  | { readonly requestPut: { readonly key: Buffer; readonly value: Buffer } }
  | { readonly requestDeleteRange: { readonly key: Buffer; readonly rangeEnd?: Buffer } };
export interface TxnRequest {
  readonly compare: readonly Compare[];
  readonly success: readonly RequestOp[];
  readonly failure: readonly RequestOp[];
}
export interface TxnResponse {
  readonly header: Header;
  readonly succeeded: boolean;
  readonly responses: readonly { readonly responseRange?: RangeResponse }[];
}
export interface WatchRequest {
  readonly createRequest: {
    readonly key: Buffer;
    readonly rangeEnd: Buffer;
    readonly startRevision: number;
    readonly prevKv: boolean;
    readonly fragment: boolean;
  };
}
export const eventType = { put: 0, delete: 1 } as const;
export interface WatchEvent {
  readonly type: number;
  readonly kv: KeyValue;
  readonly prevKv?: KeyValue;
}
export interface WatchResponse {
  readonly header: Header;
  readonly created: boolean;
  readonly canceled: boolean;
  /** Not 0: the start revision is older than the history. */
  readonly compactRevision: number;
  readonly cancelReason: string;
  /** More parts of this answer follow. */
  readonly fragment: boolean;
  readonly events: readonly WatchEvent[];
}
export interface StatusResponse {
  readonly header: Header;
  readonly version: string;
  /** Bytes of its file, and those of them that are used. */
  readonly dbSize: number;
  readonly dbSizeInUse: number;
  readonly errors: readonly string[];
}

/** A state in which etcd refuses writes until the alarm is cleared, even when its reason is gone. */
export interface Alarm {
  /** A whole number of 64 bits, as text. */
  readonly memberID: string;
  readonly alarm: number;
}
export interface AlarmRequest extends Partial<Alarm> {
  readonly action: (typeof alarmAction)[keyof typeof alarmAction];
}
export const alarmAction = { get: 0, deactivate: 2 } as const;
/** The data has reached --quota-backend-bytes. */
export const noSpaceAlarm = 1;

/** Method → the request and the response. */
export interface Calls {
  readonly Range: { readonly request: RangeRequest; readonly response: RangeResponse };
  readonly Txn: { readonly request: TxnRequest; readonly response: TxnResponse };
  /** `physical`: the answer comes when the history is removed, not only hidden. */
  readonly Compact: {
    readonly request: { readonly revision: number; readonly physical?: boolean };
    readonly response: { readonly header: Header };
  };
  readonly Watch: { readonly request: WatchRequest; readonly response: WatchResponse };
  readonly Status: { readonly request: object; readonly response: StatusResponse };
  readonly Defragment: { readonly request: object; readonly response: object };
  readonly Alarm: { readonly request: AlarmRequest; readonly response: { readonly alarms: readonly Alarm[] } };
}
export type Method = keyof Calls;

export const methods: {
  readonly [M in Method]: {
    readonly path: string;
    readonly request: string;
    readonly response: string;
    /** How whole numbers of 64 bits of the response are read; default: as numbers. */
    readonly wholeNumbers?: 'text';
  };
} = {
  Range: { path: '/etcdserverpb.KV/Range', request: 'RangeRequest', response: 'RangeResponse' },
  Txn: { path: '/etcdserverpb.KV/Txn', request: 'TxnRequest', response: 'TxnResponse' },
  Compact: { path: '/etcdserverpb.KV/Compact', request: 'CompactionRequest', response: 'CompactionResponse' },
  Watch: { path: '/etcdserverpb.Watch/Watch', request: 'WatchRequest', response: 'WatchResponse' },
  Status: { path: '/etcdserverpb.Maintenance/Status', request: 'Empty', response: 'StatusResponse' },
  Defragment: { path: '/etcdserverpb.Maintenance/Defragment', request: 'Empty', response: 'Empty' },
  Alarm: {
    path: '/etcdserverpb.Maintenance/Alarm',
    request: 'AlarmRequest',
    response: 'AlarmResponse',
    wholeNumbers: 'text',
  },
};

const bytes = (id: number) => ({ type: 'bytes', id });
const int64 = (id: number) => ({ type: 'int64', id });
const int32 = (id: number) => ({ type: 'int32', id });
const bool = (id: number) => ({ type: 'bool', id });
const message = (type: string, id: number) => ({ type, id });
const list = (type: string, id: number) => ({ type, id, rule: 'repeated' as const });

export const messages: Messages = {
  Empty: { fields: {} },
  Header: { fields: { revision: int64(3) } },
  KeyValue: { fields: { key: bytes(1), createRevision: int64(2), modRevision: int64(3), value: bytes(5) } },
  RangeRequest: {
    fields: {
      key: bytes(1),
      rangeEnd: bytes(2),
      limit: int64(3),
      revision: int64(4),
      keysOnly: bool(8),
      countOnly: bool(9),
    },
  },
  RangeResponse: { fields: { header: message('Header', 1), kvs: list('KeyValue', 2), more: bool(3) } },
  PutRequest: { fields: { key: bytes(1), value: bytes(2) } },
  DeleteRangeRequest: { fields: { key: bytes(1), rangeEnd: bytes(2) } },
  Compare: {
    fields: {
      result: int32(1),
      target: int32(2),
      key: bytes(3),
      createRevision: int64(5),
      modRevision: int64(6),
      value: bytes(7),
      rangeEnd: bytes(64),
    },
  },
  RequestOp: {
    fields: {
      requestRange: message('RangeRequest', 1),
      requestPut: message('PutRequest', 2),
      requestDeleteRange: message('DeleteRangeRequest', 3),
    },
  },
  ResponseOp: { fields: { responseRange: message('RangeResponse', 1) } },
  TxnRequest: { fields: { compare: list('Compare', 1), success: list('RequestOp', 2), failure: list('RequestOp', 3) } },
  TxnResponse: { fields: { header: message('Header', 1), succeeded: bool(2), responses: list('ResponseOp', 3) } },
  CompactionRequest: { fields: { revision: int64(1), physical: bool(2) } },
  CompactionResponse: { fields: { header: message('Header', 1) } },
  WatchRequest: { fields: { createRequest: message('WatchCreateRequest', 1) } },
  WatchCreateRequest: {
    fields: { key: bytes(1), rangeEnd: bytes(2), startRevision: int64(3), prevKv: bool(6), fragment: bool(8) },
  },
  AlarmRequest: { fields: { action: int32(1), memberID: { type: 'uint64', id: 2 }, alarm: int32(3) } },
  AlarmMember: { fields: { memberID: { type: 'uint64', id: 1 }, alarm: int32(2) } },
  AlarmResponse: { fields: { alarms: list('AlarmMember', 2) } },
  Event: { fields: { type: int32(1), kv: message('KeyValue', 2), prevKv: message('KeyValue', 3) } },
  WatchResponse: {
    fields: {
      header: message('Header', 1),
      created: bool(3),
      canceled: bool(4),
      compactRevision: int64(5),
      cancelReason: { type: 'string', id: 6 },
      fragment: bool(7),
      events: list('Event', 11),
    },
  },
  StatusResponse: {
    fields: {
      header: message('Header', 1),
      version: { type: 'string', id: 2 },
      dbSize: int64(3),
      errors: { type: 'string', id: 8, rule: 'repeated' },
      dbSizeInUse: int64(9),
    },
  },
};
