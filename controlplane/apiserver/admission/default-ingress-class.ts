// A new Ingress without a class gets the cluster's default class, as in upstream's plug-in.
import { type Ingress, type IngressClass, ingressClasses, ingresses } from '../../api/index';
import { followKind } from '../follow';
import type { OpenRule } from '../write/rule';

const defaultAnnotation = 'ingressclass.kubernetes.io/is-default-class';
const legacyAnnotation = 'kubernetes.io/ingress.class';

/** Of several defaults the newest wins, then the smaller name. */
export function defaultClassOf(classes: readonly IngressClass[]): string | undefined {
  const created = (one: IngressClass) => one.metadata?.creationTimestamp ?? '';
  const name = (one: IngressClass) => one.metadata?.name ?? '';
  return classes
    .filter((one) => one.metadata?.annotations?.[defaultAnnotation] === 'true')
    .sort((a, b) => (created(a) === created(b) ? (name(a) < name(b) ? -1 : 1) : created(a) < created(b) ? 1 : -1))
    .map(name)[0];
}

export const defaultIngressClass: OpenRule = async ({ cache, signal }) => {
  const classes = await followKind(cache, ingressClasses, () => {}, signal);
  return {
    name: 'DefaultIngressClass',
    concerns: ({ operation, kind, subresource }) =>
      operation === 'create' && kind.prefix === ingresses.prefix && subresource === '',
    mutate({ object }) {
      const { spec, metadata } = object as Ingress;
      if (!spec || spec.ingressClassName !== undefined || metadata?.annotations?.[legacyAnnotation] !== undefined)
        return;
      const name = defaultClassOf([...classes.values()]);
      if (name !== undefined) spec.ingressClassName = name;
    },
  };
};
