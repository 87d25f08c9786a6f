// The parts of a pod by name, in wire form.
import type {
  V1Container,
  V1ContainerStatus,
  V1PodSpec,
  V1PodTemplateSpec,
  V1Probe,
  V1ResourceRequirements,
  V1Volume,
} from '@kubernetes/client-node';
import type { Wire } from '../types';

export type PodSpec = Wire<V1PodSpec>;
export type PodTemplate = Wire<V1PodTemplateSpec>;
export type Container = Wire<V1Container>;
export type ContainerStatus = Wire<V1ContainerStatus>;
export type Probe = Wire<V1Probe>;
export type ResourceRequirements = Wire<V1ResourceRequirements>;
export type Volume = Wire<V1Volume>;
