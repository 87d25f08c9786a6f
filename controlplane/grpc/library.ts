// What k8ts uses of gRPC and protobuf. A file of its own in dist (hack/build.ts): processes that call no gRPC service, such as kubelets
// without plug-ins and servers on SQLite, do not hold its text in memory.

export type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
export { Client, credentials, experimental, Metadata, Server, ServerCredentials } from '@grpc/grpc-js';
export { type INamespace, Root } from 'protobufjs/light';
