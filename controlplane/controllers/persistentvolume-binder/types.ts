// The steps that the plans of claims and volumes consist of.
import type { PersistentVolume } from '../../api/index';
import type { Report } from '../shared/reports';

export type ClaimStep =
  /** Makes both objects name each other and be Bound. */
  | { readonly action: 'bind'; readonly volume: PersistentVolume }
  | { readonly action: 'assign-class'; readonly name: string }
  | { readonly action: 'set-provisioner'; readonly provisioner: string }
  | { readonly action: 'report'; readonly report: Report }
  /** Without a volume. `report` is recorded if the phase changes. */
  | { readonly action: 'phase'; readonly phase: 'Pending' | 'Lost'; readonly report?: Report }
  /** Both objects contradict each other: try again, with back-off. */
  | { readonly action: 'fail'; readonly message: string };

export type VolumeStep =
  /** `report` is recorded if the phase changes. */
  | { readonly action: 'phase'; readonly phase: VolumePhase; readonly message?: string; readonly report?: Report }
  /** Removes what the binder wrote into the volume, so that it can be bound to another claim. */
  | { readonly action: 'unbind' }
  | { readonly action: 'delete' }
  | { readonly action: 'report'; readonly on: 'volume' | 'claim'; readonly report: Report };

export type VolumePhase = 'Available' | 'Bound' | 'Released' | 'Failed';
