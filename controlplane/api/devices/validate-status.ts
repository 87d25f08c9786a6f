// The rules of a claim's status: which devices it has, who may use it, what drivers report about the devices.
import type { V1AllocatedDeviceStatus, V1ResourceClaimConsumerReference } from '@kubernetes/client-node';
import { formatAddress, parseAddress } from '../../base/cidr';
import type { FieldCause } from '../../base/errors';
import { validateNodeSelector } from '../pods/validate-affinity';
import type { Wire } from '../types';
import { forbidden, immutable, invalid, notSupported, required, tooLong, tooMany } from '../validation/causes';
import { validateConditions } from '../validation/conditions';
import { isSame } from '../validation/difference';
import { validateDriverName } from '../volumes/source-checks';
import { validateBindingConditions } from './bindings';
import { mostConfigurations, validateConfiguration, validateJsonObject } from './configuration';
import { validateList, validateSet } from './lists';
import { validateLabelName, validatePoolName, validateShareId } from './names';
import { validateToleration } from './tolerations';
import type { AllocationConfiguration, AllocationResult, DeviceResult } from './types';
import { mostRequests, type RequestNames, validateReference, validateReferences } from './validate-claim';

type Consumer = Wire<V1ResourceClaimConsumerReference>;
type DeviceStatus = Wire<V1AllocatedDeviceStatus>;
type NetworkData = DeviceStatus['networkData'];

export interface ClaimStatus {
  readonly allocation?: AllocationResult | undefined;
  readonly reservedFor?: readonly Consumer[] | undefined;
  readonly devices?: readonly DeviceStatus[] | undefined;
}

const mostConsumers = 256;
const mostConditions = 8;
const longestData = 10 * 1024;
const mostAddresses = 16;
const longestInterfaceName = 256;
const longestHardwareAddress = 128;
const sources = ['FromClaim', 'FromClass'];

interface DeviceName {
  readonly driver?: string;
  readonly pool?: string;
  readonly device?: string;
  readonly shareID?: string | undefined;
}

/** A device, and the share of it if several claims use it, with the names that upstream's messages have. */
const deviceId = ({ driver = '', pool = '', device = '', shareID = '' }: DeviceName) => ({
  Driver: driver,
  Pool: pool,
  Device: device,
  ShareID: shareID,
});
const keyOf = (device: DeviceName): string => JSON.stringify(deviceId(device));

export interface StatusChange {
  readonly old: ClaimStatus;
  readonly names: RequestNames;
  /** The claim is being deleted: it accepts no further consumers. */
  readonly deleted: boolean;
}

export function validateClaimStatus(status: ClaimStatus, { old, names, deleted }: StatusChange): FieldCause[] {
  const { allocation, reservedFor = [], devices } = status;
  const allocated = new Set((allocation?.devices?.results ?? []).map(keyOf));
  const checkDevice = (device: DeviceStatus, field: string) => validateDeviceStatus(device, field, allocated);
  return [
    ...validateSet(reservedFor, mostConsumers, 'status.reservedFor', {
      check: validateConsumer,
      key: ({ uid }) => uid,
    }),
    ...validateSet(devices, undefined, 'status.devices', { check: checkDevice, key: deviceId }),
    ...validateReservation(status, old, deleted),
    ...validateAllocation(allocation, old.allocation, names),
  ];
}

function validateReservation(
  { allocation, reservedFor = [] }: ClaimStatus,
  old: ClaimStatus,
  deleted: boolean,
): FieldCause[] {
  const field = 'status.reservedFor';
  if (reservedFor.length === 0) return [];
  if (!allocation) return [forbidden(field, 'may not be specified when `allocated` is not set')];
  const before = new Set((old.reservedFor ?? []).map((consumer) => JSON.stringify(consumer)));
  const added = reservedFor.some((consumer) => !before.has(JSON.stringify(consumer)));
  const detail = 'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set';
  return deleted && added ? [forbidden(field, detail)] : [];
}

function validateConsumer(consumer: Consumer, field: string): FieldCause[] {
  return (['resource', 'name', 'uid'] as const).flatMap((key) => (consumer[key] ? [] : [required(`${field}.${key}`)]));
}

/** An allocation is written once, or removed. */
function validateAllocation(
  allocation: AllocationResult | undefined,
  old: AllocationResult | undefined,
  names: RequestNames,
): FieldCause[] {
  if (!allocation) return [];
  const field = 'status.allocation';
  if (old) return isSame(allocation, old) ? [] : [invalid(field, allocation, immutable)];
  const { devices, nodeSelector } = allocation;
  const checkResult = (result: DeviceResult, at: string) => validateResult(result, at, names);
  const checkConfig = (config: AllocationConfiguration, at: string) => [
    ...validateSource(config.source, `${at}.source`),
    ...validateReferences(config.requests, `${at}.requests`, names),
    ...validateConfiguration(config, at),
  ];
  return [
    ...validateList(devices?.results, mostRequests, `${field}.devices.results`, checkResult),
    // Those of the classes and those of the claim.
    ...validateList(devices?.config, 2 * mostConfigurations, `${field}.devices.config`, checkConfig),
    ...(nodeSelector ? validateNodeSelector(nodeSelector, `${field}.nodeSelector`) : []),
  ];
}

function validateSource(source: string | undefined, field: string): FieldCause[] {
  if (!source) return [required(field)];
  return sources.includes(source) ? [] : [notSupported(field, source, sources)];
}

function validateResult(result: DeviceResult, field: string, names: RequestNames): FieldCause[] {
  return [
    ...validateReference(result.request, `${field}.request`, names),
    ...validateDevice(result, field),
    ...validateBindingConditions(result, field),
    ...validateList(result.tolerations, undefined, `${field}.tolerations`, validateToleration),
    ...validateShareId(result.shareID, `${field}.shareID`),
  ];
}

const validateDevice = ({ driver, pool, device }: DeviceResult | DeviceStatus, field: string): FieldCause[] => [
  ...validateDriverName(driver ?? '', `${field}.driver`),
  ...validatePoolName(pool, `${field}.pool`),
  ...validateLabelName(device, `${field}.device`),
];

function validateDeviceStatus(device: DeviceStatus, field: string, allocated: ReadonlySet<string>): FieldCause[] {
  const { conditions = [], data, networkData } = device;
  const unknown = invalid(field, deviceId(device), 'must be an allocated device in the claim');
  return [
    ...validateDevice(device, field),
    ...validateShareId(device.shareID, `${field}.shareID`),
    ...(allocated.has(keyOf(device)) ? [] : [unknown]),
    ...(conditions.length > mostConditions
      ? [tooMany(`${field}.conditions`, conditions.length, mostConditions)]
      : validateConditions(conditions, `${field}.conditions`)),
    ...(data === undefined ? [] : validateJsonObject(data, `${field}.data`, longestData)),
    ...validateNetworkData(networkData, `${field}.networkData`),
  ];
}

function validateNetworkData(data: NetworkData, field: string): FieldCause[] {
  if (!data) return [];
  const { interfaceName = '', hardwareAddress = '', ips } = data;
  const [nameField, addressField] = [`${field}.interfaceName`, `${field}.hardwareAddress`];
  return [
    ...(Buffer.byteLength(interfaceName) > longestInterfaceName ? [tooLong(nameField, longestInterfaceName)] : []),
    ...(Buffer.byteLength(hardwareAddress) > longestHardwareAddress
      ? [tooLong(addressField, longestHardwareAddress)]
      : []),
    ...validateSet(ips, mostAddresses, `${field}.ips`, { check: validateInterfaceAddress, key: (ip) => ip }),
  ];
}

/** An address with the length of its network: 192.0.2.7/24. */
function validateInterfaceAddress(text: string, field: string): FieldCause[] {
  const form = 'must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)';
  const [, address = '', prefix = ''] = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text) ?? [];
  try {
    const parsed = parseAddress(address);
    if (Number(prefix) > (parsed.family === 4 ? 32 : 128)) return [invalid(field, text, form)];
    const canonical = `${formatAddress(parsed)}/${prefix}`;
    return canonical === text ? [] : [invalid(field, text, `must be in canonical form (${JSON.stringify(canonical)})`)];
  } catch {
    return [invalid(field, text, form)];
  }
}
