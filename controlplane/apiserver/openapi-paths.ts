// Mounts the OpenAPI documents below /openapi.
import type { ApiRequest, Reply } from './request';

export function openapiHandler(): (request: ApiRequest) => Reply | undefined {
  return () => undefined;
}
