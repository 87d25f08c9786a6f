// Answers that are no stored objects, in protobuf: a Status, a Scale, reviews, tokens, discovery. Their JSON is made first; they are
// small, and the type in it finds the schema.
import type { Catalog } from '../../api/catalog';
import type { NamedSchema } from '../../api/schema/schema';
import type { SchemaSet } from '../../api/schema/schema-set';
import { virtualKinds } from '../../api/virtual';
import { type FullReply, jsonType, type Reply } from '../request';
import { StatusError } from '../status';
import { encodeMessage } from './encode';
import { protobufType, sealEnvelope, type TypeMeta } from './envelope';

/** Types of meta/v1 that no kind of the catalog has. */
const metaModels: ReadonlyMap<string, string> = new Map([
  ['Status', 'V1Status'],
  ['APIGroup', 'V1APIGroup'],
  ['APIGroupList', 'V1APIGroupList'],
  ['APIResourceList', 'V1APIResourceList'],
  ['APIVersions', 'V1APIVersions'],
]);

export class ProtobufAnswers {
  constructor(
    private readonly catalog: Catalog,
    private readonly schemas: SchemaSet,
  ) {}

  /** A JSON answer in protobuf, any other answer as it is. @throws StatusError 406 for a type without a protobuf form */
  encode<T extends Reply>(reply: T): T | FullReply {
    if (!('body' in reply) || reply.type !== jsonType) return reply;
    const { status, headers, body } = reply;
    const object = JSON.parse(body.toString()) as Partial<TypeMeta> & Record<string, unknown>;
    const { apiVersion = '', kind = '' } = object;
    const schema = this.schemaOf(apiVersion, kind);
    if (!schema) throw notMarshalable(kind);
    const sealed = sealEnvelope({ apiVersion, kind }, encodeMessage(object, schema));
    return { status, type: protobufType, body: sealed, ...(headers ? { headers } : {}) };
  }

  private schemaOf(apiVersion: string, kind: string): NamedSchema | undefined {
    const model = apiVersion === 'v1' || apiVersion === '' ? metaModels.get(kind) : undefined;
    if (model !== undefined) return this.schemas.ofModel(model);
    const found =
      virtualKinds.find((one) => one.kind === kind && one.apiVersion === apiVersion) ??
      this.catalog.byKind(apiVersion, kind);
    const schema = found && this.schemas.of(found);
    return schema?.unstructured ? undefined : schema;
  }
}

const notMarshalable = (kind: string) =>
  new StatusError(
    406,
    'NotAcceptable',
    `object ${kind} does not implement the protobuf marshalling interface and cannot be encoded to a protobuf message`,
  );
