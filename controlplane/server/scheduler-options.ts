// Option of `k8ts server` about the scheduler: upstream's configuration file.
import { readFile } from 'node:fs/promises';
import type { FieldSchema } from '../api/schema/schema';
import { strictError, strictFindings } from '../api/schema/strict';
import { decodeStructure } from '../api/schema/structure';
import { type ConfigKind, flag, listOf, objectOf, readConfig, refuseCauses, text } from '../apiserver/config/read';
import { BadRequest, describeError } from '../base/errors';
import { type OptionTable, type Parsed, parseText } from '../process/options';
import type { SchedulerConfiguration } from '../scheduler/config/types';
import { extensionPoints } from '../scheduler/config/types';
import { validateConfiguration } from '../scheduler/config/validate';

export const schedulerOptions = {
  schedulerConfig: {
    flag: 'scheduler-config',
    placeholder: 'FILE',
    default: '',
    help: 'KubeSchedulerConfiguration of kubescheduler.config.k8s.io/v1: profiles, plug-ins and their arguments, extenders',
    parse: parseText,
  },
} satisfies OptionTable;

const int32: FieldSchema = { type: 'integer', format: 'int32' };
const int64: FieldSchema = { type: 'integer', format: 'int64' };
const number: FieldSchema = { type: 'number', format: 'double' };

const requirement = objectOf({ key: text, operator: text, values: listOf(text) });
const nodeTerm = objectOf({ matchExpressions: listOf(requirement), matchFields: listOf(requirement) });
const nodeAffinity = objectOf({
  requiredDuringSchedulingIgnoredDuringExecution: objectOf({ nodeSelectorTerms: listOf(nodeTerm) }),
  preferredDuringSchedulingIgnoredDuringExecution: listOf(objectOf({ weight: int32, preference: nodeTerm })),
});
const labelSelector = objectOf({
  matchLabels: { type: 'map', items: text },
  matchExpressions: listOf(requirement),
});
const spreadConstraint = objectOf({
  maxSkew: int32,
  topologyKey: text,
  whenUnsatisfiable: text,
  labelSelector,
  minDomains: int32,
  nodeAffinityPolicy: text,
  nodeTaintsPolicy: text,
  matchLabelKeys: listOf(text),
});
const resources = listOf(objectOf({ name: text, weight: int64 }));
const shape = listOf(objectOf({ utilization: int32, score: int32 }));

/** The arguments of each plug-in that has some. */
const argsFields: Readonly<Record<string, Readonly<Record<string, FieldSchema>>>> = {
  DefaultPreemption: { minCandidateNodesPercentage: int32, minCandidateNodesAbsolute: int32 },
  InterPodAffinity: { hardPodAffinityWeight: int32, ignorePreferredTermsOfExistingPods: flag },
  NodeAffinity: { addedAffinity: nodeAffinity },
  NodeResourcesBalancedAllocation: { resources },
  NodeResourcesFit: {
    ignoredResources: listOf(text),
    ignoredResourceGroups: listOf(text),
    scoringStrategy: objectOf({ type: text, resources, requestedToCapacityRatio: objectOf({ shape }) }),
  },
  PodTopologySpread: { defaultConstraints: listOf(spreadConstraint), defaultingType: text },
  VolumeBinding: { bindTimeoutSeconds: int64, shape },
};

const pluginList = listOf(objectOf({ name: text, weight: int32 }));
const pluginSet = objectOf({ enabled: pluginList, disabled: pluginList });
const tlsConfig = objectOf({
  insecure: flag,
  serverName: text,
  certFile: text,
  keyFile: text,
  caFile: text,
  certData: text,
  keyData: text,
  caData: text,
});

const configKind: ConfigKind = {
  group: 'kubescheduler.config.k8s.io',
  versions: ['v1'],
  kind: 'KubeSchedulerConfiguration',
  fields: {
    parallelism: int32,
    leaderElection: objectOf({
      leaderElect: flag,
      leaseDuration: text,
      renewDeadline: text,
      retryPeriod: text,
      resourceLock: text,
      resourceName: text,
      resourceNamespace: text,
    }),
    // The scheduler is a part of the server, with its client and its ports: these fields have no effect.
    clientConnection: objectOf({
      kubeconfig: text,
      acceptContentTypes: text,
      contentType: text,
      qps: number,
      burst: int32,
    }),
    enableProfiling: flag,
    enableContentionProfiling: flag,
    delayCacheUntilActive: flag,
    percentageOfNodesToScore: int32,
    podInitialBackoffSeconds: int64,
    podMaxBackoffSeconds: int64,
    profiles: listOf(
      objectOf({
        schedulerName: text,
        percentageOfNodesToScore: int32,
        plugins: objectOf(Object.fromEntries([...extensionPoints, 'multiPoint'].map((point) => [point, pluginSet]))),
        pluginConfig: listOf(objectOf({ name: text, args: { type: 'any' } })),
      }),
    ),
    extenders: listOf(
      objectOf({
        urlPrefix: text,
        filterVerb: text,
        preemptVerb: text,
        prioritizeVerb: text,
        bindVerb: text,
        weight: int64,
        enableHTTPS: flag,
        tlsConfig,
        httpTimeout: text,
        nodeCacheCapable: flag,
        managedResources: listOf(objectOf({ name: text, ignoredByScheduler: flag })),
        ignorable: flag,
      }),
    ),
  },
};

/** Undefined without a file. @throws BadRequest with all faults of the file; what readFile throws */
export async function readSchedulerConfig({
  schedulerConfig: file,
}: Parsed<typeof schedulerOptions>): Promise<SchedulerConfiguration | undefined> {
  return file === '' ? undefined : parseSchedulerConfig(await readFile(file, 'utf8'), file);
}

/** `file` names the file in messages. @throws BadRequest with all faults of the text */
export function parseSchedulerConfig(source: string, file: string): SchedulerConfiguration {
  const config = readConfig(source, file, configKind) as SchedulerConfiguration;
  const profiles = config.profiles ?? [];
  profiles.forEach(({ pluginConfig = [] }, i) => {
    pluginConfig.forEach(({ name = '', args }, j) => {
      const at = `decoding .profiles[${i}].pluginConfig[${j}]: decoding args for plugin ${name}`;
      if (args !== undefined) decodeArgs(name, args, `${file}: ${at}`);
    });
  });
  refuseCauses(file, validateConfiguration(config));
  return config;
}

/** Arguments are objects of kinds of their own, whose apiVersion and kind may be absent. @throws BadRequest */
function decodeArgs(name: string, args: unknown, at: string): void {
  const fields = Object.hasOwn(argsFields, name) ? argsFields[name]! : {};
  const { kind, apiVersion } = (args ?? {}) as { kind?: unknown; apiVersion?: unknown };
  if (kind !== undefined && kind !== `${name}Args`) {
    throw new BadRequest(`${at}: expected kind ${name}Args, not ${kind}`);
  }
  if (apiVersion !== undefined && apiVersion !== 'kubescheduler.config.k8s.io/v1') {
    throw new BadRequest(`${at}: expected kubescheduler.config.k8s.io/v1, not ${apiVersion}`);
  }
  const unknown: string[] = [];
  try {
    decodeStructure({ fields: { apiVersion: text, kind: text, ...fields } }, args, unknown);
  } catch (cause) {
    throw new BadRequest(`${at}: ${describeError(cause)}`, { cause });
  }
  const findings = strictFindings(unknown, undefined);
  if (findings.length > 0) throw new BadRequest(`${at}: ${strictError(findings)}`);
}
