// The parts of the kinds of resource.k8s.io.
import type {
  V1AllocationResult,
  V1Device,
  V1DeviceAllocationConfiguration,
  V1DeviceAttribute,
  V1DeviceCapacity,
  V1DeviceClaim,
  V1DeviceConstraint,
  V1DeviceRequest,
  V1DeviceRequestAllocationResult,
  V1DeviceSelector,
  V1DeviceSubRequest,
  V1DeviceTaint,
  V1DeviceToleration,
  V1ExactDeviceRequest,
  V1OpaqueDeviceConfiguration,
} from '@kubernetes/client-node';
import type { Wire } from '../types';

export type AllocationResult = Wire<V1AllocationResult>;
export type AllocationConfiguration = Wire<V1DeviceAllocationConfiguration>;
export type Attribute = Wire<V1DeviceAttribute>;
export type Capacity = Wire<V1DeviceCapacity>;
export type Constraint = Wire<V1DeviceConstraint>;
export type Device = Wire<V1Device>;
export type DeviceClaim = Wire<V1DeviceClaim>;
export type DeviceResult = Wire<V1DeviceRequestAllocationResult>;
export type ExactRequest = Wire<V1ExactDeviceRequest>;
export type OpaqueConfiguration = Wire<V1OpaqueDeviceConfiguration>;
export type Request = Wire<V1DeviceRequest>;
export type Selector = Wire<V1DeviceSelector>;
export type SubRequest = Wire<V1DeviceSubRequest>;
export type Taint = Wire<V1DeviceTaint>;
export type Toleration = Wire<V1DeviceToleration>;
