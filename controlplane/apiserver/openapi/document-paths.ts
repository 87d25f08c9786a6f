// The paths of documents about the API: versions, groups, resources of a group version, the version of the server, the issuer of
// tokens. Upstream describes each in a document of its own (the resources in the document of the group version), and all in version 2.
import { isCustom, type Kind } from '../../api/kind';
import type { FieldSchema, NamedSchema } from '../../api/schema/schema';
import type { SchemaSet } from '../../api/schema/schema-set';
import { groupId, groupTag, type Operation, objectTypes, rootOf, tagOf, versionId } from './operations';

/** By the path of its document of version 3. */
export type DocumentPaths = ReadonlyMap<string, Operation>;

/** What is described apart from the document of a group version. Custom groups are not, as upstream. */
export function describeDocuments(kinds: readonly Kind[], schemas: SchemaSet): DocumentPaths {
  const groups = new Set(kinds.filter((kind) => !isCustom(kind)).map(({ group }) => group));
  groups.delete('');
  const group = schemas.ofModel('V1APIGroup');
  return new Map([
    ['.well-known/openid-configuration', issuerConfiguration],
    ['api', document('api', 'core', 'getCoreAPIVersions', versionsText, schemas.ofModel('V1APIVersions'))],
    ['apis', document('apis', 'apis', 'getAPIVersions', versionsText, schemas.ofModel('V1APIGroupList'))],
    ...[...groups].map((name): [string, Operation] => {
      const path = `apis/${name}`;
      const id = `get${groupId(name)}APIGroup`;
      return [path, document(path, groupTag(name), id, 'get information of a group', group)];
    }),
    ['openid/v1/jwks', issuerKeys],
    ['version', { ...serverVersion, response: versionSchema }],
  ]);
}

/** Of a group version of built-in kinds: the list of its resources. */
export function describeResources(kinds: readonly Kind[], schemas: SchemaSet): readonly Operation[] {
  const versions = new Map(kinds.filter((kind) => !isCustom(kind)).map((kind) => [rootOf(kind), kind]));
  const list = schemas.ofModel('V1APIResourceList');
  return [...versions].map(([root, kind]) =>
    document(root.slice(1), tagOf(kind), `get${versionId(kind)}APIResources`, 'get available resources', list),
  );
}

const versionsText = 'get available API versions';

function document(path: string, tag: string, id: string, description: string, response: NamedSchema): Operation {
  return { ...plain(path, tag, id, description), response, consumes: objectTypes, produces: objectTypes };
}

function plain(path: string, tag: string, id: string, description: string): Operation {
  const json = ['application/json'];
  return {
    path: `/${path}/`,
    method: 'get',
    tag,
    id,
    description,
    parameters: [],
    consumes: json,
    produces: json,
    statuses: [200],
  };
}

const issuerConfiguration: Operation = {
  ...plain(
    '.well-known/openid-configuration',
    'WellKnown',
    'getServiceAccountIssuerOpenIDConfiguration',
    "get service account issuer OpenID configuration, also known as the 'OIDC discovery doc'",
  ),
  consumes: [],
};
const issuerKeys: Operation = {
  ...plain(
    'openid/v1/jwks',
    'openid',
    'getServiceAccountIssuerOpenIDKeyset',
    'get service account issuer OpenID JSON Web Key Set (contains public token verification keys)',
  ),
  consumes: [],
  produces: ['application/jwk-set+json'],
};
const serverVersion = plain('version', 'version', 'getCodeVersion', 'get the version information for this server');

const written: FieldSchema = { type: 'string', zero: 'written' };
const optional: FieldSchema = { type: 'string' };
const writtenNames = [
  'major',
  'minor',
  'gitVersion',
  'gitCommit',
  'gitTreeState',
  'buildDate',
  'goVersion',
  'compiler',
  'platform',
];
const optionalNames = ['emulationMajor', 'emulationMinor', 'minCompatibilityMajor', 'minCompatibilityMinor'];

/** No model of the generated file: the type is of no API group. */
const versionSchema: NamedSchema = {
  name: 'io.k8s.apimachinery.pkg.version.Info',
  fields: Object.fromEntries([
    ...writtenNames.map((name) => [name, written]),
    ...optionalNames.map((name) => [name, optional]),
  ]) as NamedSchema['fields'],
  required: writtenNames,
  texts: { '': 'The version of the server and of what it was built with.' },
};
