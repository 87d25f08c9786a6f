// The environments in which admission expressions are compiled, and the values of their variables for one request.

import type { Kind } from '../../api/kind';
import { namespaces } from '../../api/namespace';
import type { FieldSchema } from '../../api/schema/schema';
import type { KubeObject } from '../../api/types';
import type { Activation } from '../../cel/activation';
import { CelEnvironment } from '../../cel/engine';
import {
  authorizerType,
  CelAuthorizer,
  CelResourceCheck,
  registerAuthorizer,
  resourceCheckType,
} from '../../cel/extensions/authorizer';
import { mutationMessages, registerMutationMessages } from '../../cel/extensions/literals';
import { noMessages } from '../../cel/literals';
import { absentObject, dynamicValue } from '../../cel/values';
import { type AdmittedForm, namespaceOf } from '../webhooks/admitted';
import { requestOptions } from '../webhooks/request-options';
import { reviewHead } from '../webhooks/review';
import type { RuleDeps, Write } from '../write/rule';
import { namespaceType, requestType } from './admission-types';
import { userAuthorizer } from './user-authorizer';

export interface EnvironmentOptions {
  /** The variable `params` exists. */
  readonly params: boolean;
  /** Object{} and JSONPatch{} exist. */
  readonly mutations: boolean;
  /** The policy's own variables exist: `variables.NAME`. */
  readonly variables: boolean;
}

/** An environment of its own: a policy adds its variables to it. */
export function admissionEnvironment({ params, mutations, variables }: EnvironmentOptions): CelEnvironment {
  const environment = new CelEnvironment(
    {
      object: 'dyn',
      oldObject: 'dyn',
      request: { plain: requestType },
      namespaceObject: { plain: namespaceType },
      ...(params && { params: 'dyn' }),
      ...(variables && { variables: { plain: variablesType } }),
    },
    (base) => {
      registerAuthorizer(base);
      if (mutations) registerMutationMessages(base);
    },
    mutations ? mutationMessages : noMessages,
  );
  environment.declare('authorizer', authorizerType);
  environment.declare('authorizer.requestResource', resourceCheckType);
  return environment;
}

/**
 * An object without fields: those of a policy are declared one by one, under their whole names. The field without a name is none, but
 * an object without any would have a type that is not known.
 */
const variablesType: FieldSchema = { type: 'object', object: { fields: { '': { type: 'string' } } } };

const shared = new Map<string, CelEnvironment>();

/** The environment for expressions without variables of a policy: one for all of them. */
export function sharedEnvironment(options: EnvironmentOptions): CelEnvironment {
  const key = JSON.stringify(options);
  const found = shared.get(key) ?? admissionEnvironment(options);
  shared.set(key, found);
  return found;
}

/** What the expressions of all policies see of one write in one form: the objects are converted once. */
export class AdmissionInputs {
  private objects: { object?: unknown; oldObject?: unknown } = {};

  constructor(
    private readonly deps: Pick<RuleDeps, 'cache' | 'authorizer'>,
    readonly write: Write,
    readonly seen: Kind,
    private readonly form: AdmittedForm,
  ) {}

  /** @param withNamespace false for match conditions, which do not see the namespace */
  activation(environment: CelEnvironment, params: KubeObject | undefined, withNamespace = true): Activation {
    const { write, seen, form } = this;
    const user = () => userAuthorizer(this.deps.authorizer, write.user);
    return environment.activation(
      {
        params: () => params,
        request: () => ({
          ...reviewHead(write, seen, form.kind),
          dryRun: write.dryRun,
          options: requestOptions(write),
        }),
        namespaceObject: () => (withNamespace ? this.namespaceObject() : absentObject),
      },
      {
        object: () => this.converted('object', form.object),
        oldObject: () => this.converted('oldObject', form.old),
        authorizer: () => new CelAuthorizer(user()),
        'authorizer.requestResource': () =>
          new CelResourceCheck(user(), {
            group: write.kind.group,
            resource: write.kind.plural,
            subresource: write.subresource,
            namespace: namespaceOf(write),
            name: write.name || (write.object?.metadata?.name ?? ''),
            fieldSelector: '',
          }),
      },
    );
  }

  private converted(name: 'object' | 'oldObject', object: KubeObject | undefined): unknown {
    if (!(name in this.objects)) this.objects[name] = dynamicValue(object ?? null);
    return this.objects[name];
  }

  /** The namespace of the object: none for objects of the cluster, and none for a Namespace itself. */
  private namespaceObject(): unknown {
    const { kind, namespace } = this.write;
    if (!kind.namespaced || kind.prefix === namespaces.prefix) return absentObject;
    return this.deps.cache.kind(namespaces).get(namespace)?.object ?? absentObject;
  }
}
