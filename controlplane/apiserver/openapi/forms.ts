// The three forms of a document, each composed of pieces: the paths of one kind, and one definition. A piece is bytes, so that it can be kept
// and used in the next document.
import type { Dialect, OpenApiSchema } from './definitions';
import type { Operation } from './operations';
import { encodeDefinition, encodePaths, joinV2 } from './protobuf';
import { renderPathsV2 } from './v2';
import { renderPathsV3 } from './v3';

export interface Form {
  readonly dialect: Dialect;
  /** Pieces of built-in kinds stay in memory: each change of a custom kind needs them again. */
  readonly keepsBuiltIn: boolean;
  paths(operations: readonly Operation[]): Buffer;
  definition(name: string, schema: OpenApiSchema): Buffer;
  /** The document in the order of its bytes. `version` is info.version. */
  join(version: string, paths: readonly Buffer[], definitions: readonly Buffer[]): Buffer[];
}

const infoOf = (version: string) => ({ title: 'Kubernetes', version });

/** How clients prove who they are. Upstream names this way only. */
const security = {
  BearerToken: { type: 'apiKey', description: 'Bearer Token authentication', name: 'authorization', in: 'header' },
};

/** The fields of an object without its braces. */
const fieldsOf = (object: object): Buffer => Buffer.from(JSON.stringify(object).slice(1, -1));

const comma = Buffer.from(',');

const withCommas = (pieces: readonly Buffer[]): Buffer[] =>
  pieces.flatMap((piece, i) => (i === 0 ? [piece] : [comma, piece]));

const json = {
  definition: (name: string, schema: OpenApiSchema) => fieldsOf({ [name]: schema }),
};

export const v2Json: Form = {
  ...json,
  dialect: 'v2',
  keepsBuiltIn: true,
  paths: (operations) => fieldsOf(renderPathsV2(operations)),
  join: (version, paths, definitions) => [
    Buffer.from(`{"swagger":"2.0","info":${JSON.stringify(infoOf(version))},"paths":{`),
    ...withCommas(paths),
    Buffer.from('},"definitions":{'),
    ...withCommas(definitions),
    Buffer.from(`},"securityDefinitions":${JSON.stringify(security)},"security":[{"BearerToken":[]}]}`),
  ],
};

export const v2Protobuf: Form = {
  dialect: 'v2',
  keepsBuiltIn: true,
  paths: (operations) => encodePaths(renderPathsV2(operations)),
  definition: encodeDefinition,
  join: (version, paths, definitions) => joinV2(infoOf(version), paths, definitions),
};

/** Documents of built-in groups do not change: their pieces are only shared while several documents are composed. */
export const v3Json: Form = {
  ...json,
  dialect: 'v3',
  keepsBuiltIn: false,
  paths: (operations) => fieldsOf(renderPathsV3(operations)),
  join: (version, paths, definitions) => [
    Buffer.from(`{"openapi":"3.0.0","info":${JSON.stringify(infoOf(version))},"paths":{`),
    ...withCommas(paths),
    Buffer.from('},"components":{"schemas":{'),
    ...withCommas(definitions),
    Buffer.from(`},"securitySchemes":${JSON.stringify(security)}}}`),
  ],
};
