// What the binder does with one claim. Pure. Reasons and messages of Events are upstream's.
// Source: pkg/controller/volume/persistentvolume of Kubernetes 1.36.
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '../../api/index';
import { compareQuantities } from '../../api/quantity';
import {
  annotationOf,
  bindCompleted,
  boundByController,
  directoryProvisioner,
  hasAnnotation,
  isBoundTo,
  selectedNode,
  storageProvisioner,
} from '../../api/volumes/binding';
import { classOf } from '../../api/volumes/class-name';
import {
  capacityOf,
  hasAccessModes,
  hasSameAttributes,
  hasSameClass,
  hasSameMode,
  matchByModes,
  requestOf,
} from '../../api/volumes/match';
import { isDeleting, metaOf } from '../shared/owner';
import { driverInPlaceOf } from './migrated';
import type { ClaimStep } from './types';

export interface ClaimFacts {
  readonly claim: PersistentVolumeClaim;
  /** The volume that spec.volumeName names, if it exists. */
  readonly named: PersistentVolume | undefined;
  /** Volumes of the claim's class without a claim, and those that name this one. */
  readonly candidates: readonly PersistentVolume[];
  /** The claim's class, if it names one that exists. */
  readonly storageClass: StorageClass | undefined;
  /** The name of the default class. */
  readonly defaultClass: string | undefined;
  /** Names of pods that use the claim, have not ended and are on no node. */
  readonly waitingPods: readonly string[];
}

export function planClaim(facts: ClaimFacts): readonly ClaimStep[] {
  if (hasAnnotation(facts.claim, bindCompleted)) return planBound(facts);
  return facts.claim.spec?.volumeName ? planRequested(facts) : planUnbound(facts);
}

const pending: ClaimStep = { action: 'phase', phase: 'Pending' };
const warn = (reason: string, message: string): ClaimStep => ({
  action: 'report',
  report: { type: 'Warning', reason, message },
});
const say = (reason: string, message: string): ClaimStep => ({
  action: 'report',
  report: { type: 'Normal', reason, message },
});
const lost = (reason: string, message: string): ClaimStep => ({
  action: 'phase',
  phase: 'Lost',
  report: { type: 'Warning', reason, message },
});

/** The claim may take any volume. */
function planUnbound({ claim, candidates, storageClass, defaultClass, waitingPods }: ClaimFacts): readonly ClaimStep[] {
  const delayed = storageClass?.volumeBindingMode === 'WaitForFirstConsumer';
  const volume = matchByModes(claim, candidates, { delayed });
  if (volume) return [{ action: 'bind', volume }];
  if (classOf(claim) === undefined && defaultClass !== undefined)
    return [{ action: 'assign-class', name: defaultClass }];
  if (delayed && !hasAnnotation(claim, selectedNode)) return [waitForPod(waitingPods), pending];
  const name = classOf(claim);
  // The phase is Pending since the claim was created.
  if (name) return planProvisioning(claim, name, storageClass);
  return [say('FailedBinding', 'no persistent volumes available for this claim and no storage class is set'), pending];
}

function waitForPod(pods: readonly string[]): ClaimStep {
  if (pods.length === 0) return say('WaitForFirstConsumer', 'waiting for first consumer to be created before binding');
  const subject = pods.length === 1 ? `pod ${pods[0]}` : `pods ${pods.join(',')}`;
  return say('WaitForPodScheduled', `waiting for ${subject} to be scheduled`);
}

function planProvisioning(
  claim: PersistentVolumeClaim,
  name: string,
  storageClass: StorageClass | undefined,
): readonly ClaimStep[] {
  if (!storageClass) return [warn('ProvisioningFailed', `storageclass.storage.k8s.io "${name}" not found`)];
  const provisioner = driverInPlaceOf(storageClass.provisioner) ?? storageClass.provisioner;
  // Among these, upstream has plug-ins of its own only for what CSI drivers do today.
  if (provisioner.startsWith('kubernetes.io/'))
    return [warn('ProvisioningFailed', `no volume plugin matched name: ${provisioner}`)];
  const set: ClaimStep[] =
    annotationOf(claim, storageProvisioner) === provisioner ? [] : [{ action: 'set-provisioner', provisioner }];
  // The controller volume-provisioning reports what it does itself.
  if (provisioner === directoryProvisioner) return set;
  const message =
    `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. ` +
    'If volume creation is delayed, please verify that the provisioner is running and correctly registered.';
  return [...set, say('ExternalProvisioning', message)];
}

/** The claim names a volume, and the binding is not complete. */
function planRequested({ claim, named }: ClaimFacts): readonly ClaimStep[] {
  if (!named) return [pending];
  const volume = metaOf(named).name;
  if (named.spec?.claimRef) {
    if (isBoundTo(named, claim)) return [{ action: 'bind', volume: named }];
    const report = warn('FailedBinding', `volume "${volume}" already bound to a different claim.`);
    if (!hasAnnotation(claim, boundByController)) return [report, pending];
    return [report, { action: 'fail', message: `the binder chose volume ${volume}, which names another claim` }];
  }
  const why = mismatch(named, claim);
  if (why === undefined) return [{ action: 'bind', volume: named }];
  return [warn('VolumeMismatch', `Cannot bind to requested volume "${volume}": ${why}`), pending];
}

function mismatch(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  if (isDeleting(volume)) return `the volume is marked for deletion "${metaOf(volume).name}"`;
  if (compareQuantities(capacityOf(volume), requestOf(claim)) < 0) return 'requested PV is too small';
  if (!hasSameClass(volume, claim)) return 'storageClassName does not match';
  if (!hasSameAttributes(volume, claim)) return 'volumeAttributesClassName does not match';
  if (!hasSameMode(volume, claim)) return 'incompatible volumeMode';
  return hasAccessModes(volume, claim) ? undefined : 'incompatible accessMode';
}

/** The binding was complete once. */
function planBound({ claim, named }: ClaimFacts): readonly ClaimStep[] {
  if (!claim.spec?.volumeName)
    return [lost('ClaimLost', 'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!')];
  if (!named) return [lost('ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!')];
  const uid = named.spec?.claimRef?.uid;
  // Without a reference the volume gets one again, whatever else it has.
  if (!named.spec?.claimRef || uid === claim.metadata?.uid) return [{ action: 'bind', volume: named }];
  return [lost('ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly')];
}
