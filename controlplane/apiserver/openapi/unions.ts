// Types of which only one field may be set, as upstream's documents mark them.

interface Union {
  /** The field that names the one that is set. */
  readonly discriminator?: string;
  /** The value of the discriminator for each field. */
  readonly 'fields-to-discriminateBy': Readonly<Record<string, string>>;
}

const localhost: Union = {
  discriminator: 'type',
  'fields-to-discriminateBy': { localhostProfile: 'LocalhostProfile' },
};

const unions: Readonly<Record<string, Union>> = {
  'io.k8s.api.core.v1.AppArmorProfile': localhost,
  'io.k8s.api.core.v1.PodSchedulingGroup': { 'fields-to-discriminateBy': { podGroupName: 'PodGroupName' } },
  'io.k8s.api.core.v1.SeccompProfile': localhost,
  'io.k8s.api.flowcontrol.v1.LimitResponse': {
    discriminator: 'type',
    'fields-to-discriminateBy': { queuing: 'Queuing' },
  },
  'io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationSpec': {
    discriminator: 'type',
    'fields-to-discriminateBy': { exempt: 'Exempt', limited: 'Limited' },
  },
  'io.k8s.api.flowcontrol.v1.Subject': {
    discriminator: 'kind',
    'fields-to-discriminateBy': { group: 'Group', serviceAccount: 'ServiceAccount', user: 'User' },
  },
};

/** Undefined for a type that is no union. */
export const unionsOf = (definition: string): readonly Union[] | undefined =>
  Object.hasOwn(unions, definition) ? [unions[definition]!] : undefined;
