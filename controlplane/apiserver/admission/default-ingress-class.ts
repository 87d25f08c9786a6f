// An Ingress that names no class is given the cluster's default one when it is created, as upstream's plug-in does.
import { type Ingress, type IngressClass, ingressClasses, ingresses } from '../../api/index';
import type { Cache } from '../cache/cache';
import { followKind } from '../follow';
import type { AdmissionPlugin } from './admission';

const DEFAULT_ANNOTATION = 'ingressclass.kubernetes.io/is-default-class';
const LEGACY_ANNOTATION = 'kubernetes.io/ingress.class';

/** Of several defaults the newest is taken, then the smaller name. */
export function defaultClassOf(classes: readonly IngressClass[]): string | undefined {
  const created = (one: IngressClass) => one.metadata?.creationTimestamp ?? '';
  const name = (one: IngressClass) => one.metadata?.name ?? '';
  return classes
    .filter((one) => one.metadata?.annotations?.[DEFAULT_ANNOTATION] === 'true')
    .sort((a, b) => (created(a) === created(b) ? (name(a) < name(b) ? -1 : 1) : created(a) < created(b) ? 1 : -1))
    .map(name)[0];
}

export class DefaultIngressClass {
  private classes: ReadonlyMap<string, IngressClass> = new Map();

  /** Resolves when all classes are known; follows them until the signal is aborted. */
  async start(cache: Cache, signal: AbortSignal): Promise<void> {
    this.classes = await followKind(cache, ingressClasses, () => {}, signal);
  }

  readonly admit: AdmissionPlugin = ({ operation, kind, subresource, object }) => {
    if (kind.prefix !== ingresses.prefix || operation !== 'create' || subresource !== '') return;
    const { spec, metadata } = object as Ingress;
    if (!spec || spec.ingressClassName !== undefined || metadata?.annotations?.[LEGACY_ANNOTATION] !== undefined)
      return;
    const name = defaultClassOf([...this.classes.values()]);
    if (name !== undefined) spec.ingressClassName = name;
  };
}
