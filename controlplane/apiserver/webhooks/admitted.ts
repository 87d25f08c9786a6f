// What a webhook sees of a write. Subresources with a body of their own (scale, binding) are written as their object, but admitted as
// that body; an object can be shown in the form of another version.
import { type Kind, subresourceOf } from '../../api/kind';
import { namespaces } from '../../api/namespace';
import { converted } from '../../api/storage';
import type { KubeObject } from '../../api/types';
import { scaleOf, withReplicas } from '../subresources/scale';
import type { Operation, Write } from '../write/rule';

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** The parts of a review that depend on the form. */
export interface AdmittedForm {
  readonly kind: GroupVersionKind;
  readonly object: KubeObject | undefined;
  readonly old: KubeObject | undefined;
}

/** A binding is written as an update of its pod, but its request creates it. */
export const admittedOperation = ({ operation, subresource }: Write): Operation =>
  operation === 'update' && subresource === 'binding' ? 'create' : operation;

/** False for the deletion that an eviction leads to: upstream admits the eviction only. */
export const isAdmitted = ({ operation, rest }: Write): boolean =>
  operation !== 'delete' || rest?.route.subresource !== 'eviction';

/** A namespace is in itself. */
export const namespaceOf = ({ kind, namespace, name, object }: Write): string =>
  kind.prefix === namespaces.prefix ? name || (object?.metadata?.name ?? '') : namespace;

/** The kind of what the request has in its body: of the object itself, or of the subresource. */
export function bodyKind(kind: Kind, subresource: string): GroupVersionKind {
  const body = subresource === '' ? undefined : subresourceOf(kind, subresource);
  if (!body?.kind) return { group: kind.group, version: kind.version, kind: kind.kind };
  return { group: body.group ?? kind.group, version: body.version ?? kind.version, kind: body.kind };
}

/** The write in the form of its own kind. */
export const ownForm = (write: Write): AdmittedForm => formOf(write, write.kind, write.object, write.old);

/** The write as a webhook sees it that named `seen`. A promise when a webhook must convert its objects. @throws ConversionFailed */
export function admittedForm(write: Write, seen: Kind): AdmittedForm | Promise<AdmittedForm> {
  const { kind, subresource, object, old } = write;
  const isBody = write.context ? bodies[subresource] !== undefined : object !== undefined;
  if (isBody || seen === kind) return formOf(write, seen, object, old);
  const [now, before] = [object, old].map((one) => one && converted(kind, seen, one));
  if (!(now instanceof Promise) && !(before instanceof Promise)) return formOf(write, seen, now, before);
  return Promise.all([now, before]).then(([shown, then]) => formOf(write, seen, shown, then));
}

/** `object` and `old` are those of the write, in the form of `seen` already. */
function formOf(write: Write, seen: Kind, object: KubeObject | undefined, old: KubeObject | undefined): AdmittedForm {
  const gvk = bodyKind(seen, write.subresource);
  const body = write.context ? bodies[write.subresource] : undefined;
  // The body of another kind than the object (an eviction, the options of exec) has one form.
  if (!body) return { kind: gvk, object, old };
  return {
    kind: gvk,
    object: object && body.of(object, write.kind),
    old: body.hasOld && old ? body.of(old, write.kind) : undefined,
  };
}

/** What mutating webhooks and policies see: a new object has no fields yet that upstream sets after them. */
export const mutableForm = (write: Write, form: AdmittedForm): AdmittedForm =>
  write.operation === 'create' && write.context && form.object ? { ...form, object: asSent(form.object) } : form;

/** A new object without the fields that the server has set already: upstream sets them after these webhooks. */
function asSent(object: KubeObject): KubeObject {
  const { uid: _, creationTimestamp: __, generation: ___, ...metadata } = object.metadata ?? {};
  return { ...object, metadata };
}

/** What a webhook made of its form, as the object that the write should have. A promise as of admittedForm. @throws ConversionFailed */
export function fromForm(write: Write, seen: Kind, changed: KubeObject): KubeObject | Promise<KubeObject> {
  const body = write.context ? bodies[write.subresource] : undefined;
  if (body) return body.into(write.object!, changed, write.kind);
  return write.context ? converted(seen, write.kind, changed) : changed;
}

interface SubresourceBody {
  readonly hasOld: boolean;
  of(object: KubeObject, kind: Kind): KubeObject;
  into(object: KubeObject, body: KubeObject, kind: Kind): KubeObject;
}

interface Scalable extends KubeObject {
  readonly spec?: { readonly replicas?: number };
}
interface Bound extends KubeObject {
  readonly spec?: { readonly nodeName?: string };
}

const bodies: Readonly<Record<string, SubresourceBody>> = {
  scale: {
    hasOld: true,
    of: (object, kind) => scaleOf(kind, object),
    into: (object, body, kind) => withReplicas(kind, object, (body as Scalable).spec?.replicas),
  },
  binding: {
    hasOld: false,
    of: (object) => ({
      kind: 'Binding',
      apiVersion: 'v1',
      metadata: { name: object.metadata?.name ?? '', namespace: object.metadata?.namespace ?? '' },
      ...{ target: { kind: 'Node', name: (object as Bound).spec?.nodeName ?? '' } },
    }),
    // The pod is bound already when webhooks see it: they can refuse the node, but not choose another one.
    into: (object) => object,
  },
};
