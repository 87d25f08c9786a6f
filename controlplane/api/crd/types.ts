// The wire types of CustomResourceDefinitions. Those of client-node rename fields of JSONSchemaProps ($ref, x-kubernetes-*), so
// the schema has a type of its own.
import type { V1CustomResourceDefinition, V1CustomResourceDefinitionVersion } from '@kubernetes/client-node';
import type { Definition } from '../schema/schema';
import type { KubeObject, Wire } from '../types';

type ClientDefinition = Wire<V1CustomResourceDefinition>;
type ClientVersion = Wire<V1CustomResourceDefinitionVersion>;
type ClientSpec = ClientDefinition['spec'];
type ClientStatus = NonNullable<ClientDefinition['status']>;

export type CrdNames = ClientSpec['names'];
export type CrdConversion = NonNullable<ClientSpec['conversion']>;
export type CrdCondition = NonNullable<ClientStatus['conditions']>[number];
export type CrdColumn = NonNullable<ClientVersion['additionalPrinterColumns']>[number];
export type CrdScale = NonNullable<CrdSubresources['scale']>;
export type CrdSubresources = NonNullable<ClientVersion['subresources']>;

export interface CrdVersion extends Omit<ClientVersion, 'schema'> {
  schema?: { openAPIV3Schema?: Definition };
}
export interface CrdSpec extends Omit<ClientSpec, 'versions'> {
  versions: CrdVersion[];
}
export interface CrdStatus extends Omit<ClientStatus, 'acceptedNames'> {
  acceptedNames: CrdNames;
}
export interface CustomResourceDefinition extends KubeObject {
  spec: CrdSpec;
  status?: CrdStatus;
}
