// What the kubelet uses of gRPC and protobuf. A file of its own in dist (hack/build.ts): the other programs, and kubelets without plug-ins,
// do not hold its text in memory.
export { Client, credentials, Server, ServerCredentials } from '@grpc/grpc-js';
export { Root } from 'protobufjs/light';
