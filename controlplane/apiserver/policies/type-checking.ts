// Checks the expressions of a ValidatingAdmissionPolicy against the schemas of the kinds that it matches: a field that a kind does not have
// is a warning in the status, since the expression may still be right for another kind. Source: typechecking.go of
// k8s.io/apiserver/pkg/admission/plugin/policy/validating.
import type { V1ExpressionWarning } from '@kubernetes/client-node';
import type { Catalog } from '../../api/catalog';
import type { Kind } from '../../api/kind';
import type { FieldSchema } from '../../api/schema/schema';
import type { SchemaSet } from '../../api/schema/schema-set';
import type { Wire } from '../../api/types';
import type { ValidatingAdmissionPolicy } from '../../api/validating-admission-policy';
import { CelEnvironment } from '../../cel/engine';
import { CelCompileError } from '../../cel/errors';
import { authorizerType, registerAuthorizer, resourceCheckType } from '../../cel/extensions/authorizer';
import { namespaceType, requestType } from './admission-types';
import { compileExpression, variableType } from './expressions';

export type ExpressionWarning = Wire<V1ExpressionWarning>;

/** Of one policy; further kinds are not checked. */
const maxKinds = 10;

interface Checked {
  readonly fieldRef: string;
  readonly text: string;
}

/** Yields between two kinds, so that the caller decides when the event loop gets its turn. */
export function* typeWarnings(
  policy: ValidatingAdmissionPolicy,
  catalog: Catalog,
  schemas: SchemaSet,
): Generator<undefined, ExpressionWarning[], void> {
  const expressions = expressionsOf(policy);
  const found = expressions.map((): string[] => []);
  for (const kind of matchedKinds(policy, catalog)) {
    const environment = environmentOf(policy, kind, catalog, schemas);
    for (const [i, { text }] of expressions.entries()) {
      const { program } = compileExpression(environment, text, 'dyn');
      if (!(program instanceof CelCompileError)) continue;
      const issues = program.message.replace(/^compilation failed: /, '');
      found[i]!.push(`${kind.group}/${kind.version}, Kind=${kind.kind}: ${issues}\n`);
    }
    yield undefined;
  }
  return expressions.flatMap(({ fieldRef }, i) =>
    found[i]!.length > 0 ? [{ fieldRef, warning: found[i]!.join('\n') }] : [],
  );
}

function expressionsOf({ spec }: ValidatingAdmissionPolicy): readonly Checked[] {
  return (spec?.validations ?? []).flatMap(({ expression, messageExpression }, i) => {
    const at = `spec.validations[${i}]`;
    return [
      { fieldRef: `${at}.expression`, text: expression },
      ...(messageExpression ? [{ fieldRef: `${at}.messageExpression`, text: messageExpression }] : []),
    ];
  });
}

/** The kinds that rules name without a wildcard, sorted. */
export function matchedKinds({ spec }: ValidatingAdmissionPolicy, catalog: Catalog): readonly Kind[] {
  const kinds = new Set<Kind>();
  for (const { apiGroups = [], apiVersions = [], resources = [] } of spec?.matchConstraints?.resourceRules ?? []) {
    if ([...apiGroups, ...apiVersions].some((text) => text.includes('*'))) continue;
    const plurals = resources.filter((text) => !/[*/]/.test(text));
    for (const group of apiGroups) {
      for (const version of apiVersions) {
        for (const plural of plurals) {
          const kind = kinds.size < maxKinds ? catalog.byPath(group, version, plural) : undefined;
          if (kind) kinds.add(kind);
        }
      }
    }
  }
  const key = ({ group, version, kind }: Kind) => `${group}\0${version}\0${kind}`;
  return [...kinds].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

function environmentOf(
  { spec }: ValidatingAdmissionPolicy,
  kind: Kind,
  catalog: Catalog,
  schemas: SchemaSet,
): CelEnvironment {
  const fieldOf = (one: Kind): FieldSchema => ({ type: 'object', object: schemas.of(one) });
  const object = fieldOf(kind);
  const { apiVersion = '', kind: name = '' } = spec?.paramKind ?? {};
  const paramKind = catalog.byKind(apiVersion, name);
  const environment = new CelEnvironment(
    {
      ...{ object, oldObject: object, request: { plain: requestType }, namespaceObject: { plain: namespaceType } },
      ...(paramKind && { params: fieldOf(paramKind) }),
    },
    registerAuthorizer,
  );
  environment.declare('authorizer', authorizerType);
  environment.declare('authorizer.requestResource', resourceCheckType);
  for (const { name: variable = '', expression = '' } of spec?.variables ?? []) {
    environment.declare(`variables.${variable}`, variableType(compileExpression(environment, expression, 'dyn')));
  }
  return environment;
}
