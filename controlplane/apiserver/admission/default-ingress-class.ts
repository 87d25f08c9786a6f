// A new Ingress without a class gets the cluster's default class, as in upstream's plug-in.

import { defaultClassOf } from '../../api/default-class';
import { type Ingress, type IngressClass, ingressClasses, ingresses } from '../../api/index';
import { followKind } from '../follow';
import type { OpenRule } from '../write/rule';

const defaultAnnotation = 'ingressclass.kubernetes.io/is-default-class';
const legacyAnnotation = 'kubernetes.io/ingress.class';
const isDefault = ({ metadata }: IngressClass): boolean => metadata?.annotations?.[defaultAnnotation] === 'true';

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
      const name = defaultClassOf([...classes.values()], isDefault);
      if (name !== undefined) spec.ingressClassName = name;
    },
  };
};
