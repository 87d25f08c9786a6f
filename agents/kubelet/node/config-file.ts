// A KubeletConfiguration file (kubelet.config.k8s.io/v1beta1) as the options that say the same. Options of the command line win. Pure.
// A field that this kubelet does not obey is refused, unless it has its zero value: files of other tools list many such fields.
import { BadRequest } from '../../../controlplane/base/errors';
import { defaultEvictionHard } from './policy';

type Value = string | number | boolean | null | readonly unknown[] | { readonly [name: string]: unknown };
type Field = (value: Value, name: string) => string;

const wrong = (name: string, wanted: string): BadRequest => new BadRequest(`${name}: expected ${wanted}`);

const text: Field = (value, name) => {
  if (typeof value === 'string') return value;
  throw wrong(name, 'a string');
};
const number: Field = (value, name) => {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  throw wrong(name, 'an integer');
};
const flag: Field = (value, name) => {
  if (typeof value === 'boolean') return String(value);
  throw wrong(name, 'true or false');
};
const list: Field = (value, name) => {
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value.join(',');
  throw wrong(name, 'a list of strings');
};
const first: Field = (value, name) => list(value, name).split(',')[0] ?? '';
const pairs =
  (operator: '<' | '='): Field =>
  (value, name) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(name, 'a map of strings');
    return Object.entries(value)
      .map(([key, amount]) => {
        if (typeof amount !== 'string') throw wrong(`${name}[${key}]`, 'a string');
        return `${key}${operator}${amount}`;
      })
      .join(',');
  };

const periods: Field = (value, name) => {
  if (!Array.isArray(value)) throw wrong(name, 'a list');
  return value
    .map((each: unknown) => {
      const { priority = 0, shutdownGracePeriodSeconds = 0 } = (each ?? {}) as Record<string, Value | undefined>;
      return `${number(priority, `${name}.priority`)}=${number(shutdownGracePeriodSeconds, `${name}.shutdownGracePeriodSeconds`)}`;
    })
    .join();
};

/** The option and the form of each field. */
const fields: Readonly<Record<string, readonly [option: string, form: Field]>> = {
  allowedUnsafeSysctls: ['allowed-unsafe-sysctls', list],
  cgroupRoot: ['cgroup-root', text],
  cgroupsPerQOS: ['cgroups-per-qos', flag],
  clusterDNS: ['cluster-dns', first],
  clusterDomain: ['cluster-domain', text],
  evictionHard: ['eviction-hard', pairs('<')],
  evictionMaxPodGracePeriod: ['eviction-max-pod-grace-period', number],
  evictionMinimumReclaim: ['eviction-minimum-reclaim', pairs('=')],
  evictionPressureTransitionPeriod: ['eviction-pressure-transition-period', text],
  evictionSoft: ['eviction-soft', pairs('<')],
  evictionSoftGracePeriod: ['eviction-soft-grace-period', pairs('=')],
  healthzPort: ['healthz-port', number],
  imageGCHighThresholdPercent: ['image-gc-high-threshold', number],
  imageGCLowThresholdPercent: ['image-gc-low-threshold', number],
  imageMaximumGCAge: ['image-maximum-gc-age', text],
  imageMinimumGCAge: ['minimum-image-ttl-duration', text],
  kubeReserved: ['kube-reserved', pairs('=')],
  maxPods: ['max-pods', number],
  podPidsLimit: ['pod-max-pids', number],
  podsPerCore: ['pods-per-core', number],
  port: ['port', number],
  resolvConf: ['resolv-conf', text],
  rotateCertificates: ['rotate-certificates', flag],
  shutdownGracePeriod: ['node-shutdown-grace-period', text],
  shutdownGracePeriodByPodPriority: ['node-shutdown-grace-period-by-pod-priority', periods],
  shutdownGracePeriodCriticalPods: ['node-shutdown-grace-period-critical-pods', text],
  systemReserved: ['system-reserved', pairs('=')],
};

/** `document` is the parsed file. @throws BadRequest that names the field */
export function argumentsOf(document: unknown): readonly string[] {
  if (typeof document !== 'object' || document === null) throw new BadRequest('expected a KubeletConfiguration');
  const { apiVersion, kind, mergeDefaultEvictionSettings, ...rest } = document as Record<string, Value>;
  if (kind !== 'KubeletConfiguration' || apiVersion !== 'kubelet.config.k8s.io/v1beta1') {
    throw new BadRequest('expected kind KubeletConfiguration of kubelet.config.k8s.io/v1beta1');
  }
  const given = mergeDefaultEvictionSettings === true ? withDefaults(rest) : rest;
  return Object.entries(given).flatMap(([name, value]) => {
    const field = fields[name];
    if (field) return [`--${field[0]}=${field[1](value, name)}`];
    if (isZero(value)) return [];
    throw new BadRequest(`${name}: this kubelet does not have this setting`);
  });
}

/** Signals that the file does not name keep their default threshold. */
function withDefaults(given: Readonly<Record<string, Value>>): Readonly<Record<string, Value>> {
  const defaults = defaultEvictionHard.split(',').map((part) => part.split('<') as [string, string]);
  return {
    ...given,
    evictionHard: { ...Object.fromEntries(defaults), ...(given['evictionHard'] as object | undefined) },
  };
}

function isZero(value: unknown): boolean {
  if (value === null || value === '' || value === 0 || value === '0s' || value === false) return true;
  return typeof value === 'object' && Object.values(value).every(isZero);
}
