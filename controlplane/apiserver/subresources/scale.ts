// The scale subresource: reads and writes spec.replicas, or where a custom kind has its replicas, as a small object of autoscaling/v1.
import { parseStored } from '../../api/json-text';
import type { Kind } from '../../api/kind';
import { type ScalePaths, valueAt, withValueAt } from '../../api/scale';
import { fromStored, storageKind, toStored } from '../../api/storage';
import type { KubeObject, LabelSelector } from '../../api/types';
import { scales } from '../../api/virtual';
import { AppError, BadRequest, type FieldCause } from '../../base/errors';
import type { CachedObject } from '../cache/cache';
import { apply } from '../patch/apply';
import { patchTypes } from '../patch/patch';
import { jsonReply, type Reply } from '../request';
import { readConfiguration } from '../rest/apply';
import { type RestDeps, type RestRequest, readObject } from '../rest/context';
import { checkName } from '../rest/create-on-update';
import { keyOf } from '../rest/metadata';
import { negotiateFor } from '../rest/negotiate';
import { ordinaryPatches, patched, readPatch } from '../rest/patch';
import { parseIncludeObject, partial, renderTable } from '../rest/table';
import { update } from '../rest/update';
import { mediaType, writeOptions } from '../rest/write-options';
import type { SubresourceHandler } from '../servers/kind-server';
import { invalid, notFound } from '../status';

interface Scalable extends KubeObject {
  spec?: { replicas?: number; selector?: LabelSelector | Record<string, string> };
  status?: { replicas?: number };
}
export interface Scale extends KubeObject {
  spec: { replicas?: number };
  status: { replicas: number; selector?: string };
}

const scaleKind = { group: 'autoscaling', version: 'v1', kind: 'Scale', plural: 'scale', namespaced: true };

export function scaleHandler(deps: RestDeps): SubresourceHandler {
  return async (rest) => {
    const { kind, namespace, name, verb } = rest.route;
    const key = keyOf(kind, namespace, name);
    if (verb === 'get') {
      const found = await deps.cache.kind(kind).read(key);
      if (!found) throw notFound(kind, name);
      return renderScale(deps, rest, readScale(kind, found.object));
    }
    if (verb === 'patch' && mediaType(rest) === patchTypes.apply) return applyScale(deps, rest);
    const { dryRun } = writeOptions(rest);
    const change = verb === 'update' ? await replacement(rest) : await patch(rest);
    const updated = await update(deps, rest, {
      kind,
      key,
      subresource: '',
      dryRun,
      transform: (current) => {
        const desired = change(scaleOf(kind, current.object));
        const replicas = desired.spec?.replicas;
        checkReplicas(name, replicas);
        const object = withReplicas(kind, parseStored(current.json.toString()) as KubeObject, replicas);
        // The Scale has the metadata of the object, so its preconditions apply to the object.
        const { resourceVersion, uid } = desired.metadata ?? {};
        // Without a version the Scale is for any, also of a kind whose objects need one.
        const version = resourceVersion || (current.object.metadata?.resourceVersion ?? '');
        object.metadata = { ...object.metadata, resourceVersion: version, ...(uid ? { uid } : {}) };
        return object;
      },
    });
    return renderScale(deps, rest, scaleOf(kind, updated.object));
  };
}

/** Server-side apply of a Scale: its manager owns the replicas of the object. @throws NotFound, Conflict, BadRequest, Invalid */
async function applyScale(deps: RestDeps, rest: RestRequest): Promise<Reply> {
  const { kind, namespace, name } = rest.route;
  const { spec, metadata } = (await readConfiguration(rest, scales)) as Partial<Scale>;
  const { dryRun, force, fieldManager: manager } = writeOptions(rest);
  checkReplicas(name, spec?.replicas);
  const bare: KubeObject = { apiVersion: kind.apiVersion, kind: kind.kind, metadata: { name } };
  const applied = spec?.replicas === undefined ? bare : withReplicas(kind, bare, spec.replicas);
  const stored = storageKind(kind);
  const schema = rest.schemas.of(stored);
  const updated = await update(deps, rest, {
    kind,
    key: keyOf(kind, namespace, name),
    subresource: '',
    dryRun,
    tracked: true,
    transform: ({ json }) => {
      const live = toStored(kind, JSON.parse(json.toString()) as KubeObject);
      const given = { manager, subresource: 'scale', force, now: deps.clock.now() };
      const result = fromStored(
        kind,
        apply({ kind: stored, schema, live, applied: toStored(kind, applied), ...given }),
      );
      const { resourceVersion, uid } = metadata ?? {};
      result.metadata = {
        ...result.metadata,
        ...(resourceVersion ? { resourceVersion } : {}),
        ...(uid ? { uid } : {}),
      };
      return result;
    },
  });
  return renderScale(deps, rest, scaleOf(kind, updated.object));
}

/** The Scale in the form of the Accept header; protobuf and YAML are made of the JSON later. */
function renderScale({ clock }: RestDeps, rest: RestRequest, scale: Scale): Reply {
  const { rendering } = negotiateFor(rest);
  if (rendering.as === 'object') return jsonReply(scale);
  const { version } = rendering;
  if (rendering.as === 'partial') return jsonReply(partial(scale, version));
  const metadata = { resourceVersion: scale.metadata?.resourceVersion };
  const options = { version, include: parseIncludeObject(rest.query), now: clock.now() };
  return jsonReply(renderTable(scales, [scale], metadata, options));
}

type Change = (current: Scale) => Scale;

async function replacement(rest: RestRequest): Promise<Change> {
  const desired = (await readObject(rest, scales)) as Scale;
  checkName(rest.route.name, desired);
  return () => desired;
}

async function patch(rest: RestRequest): Promise<Change> {
  const parsed = await readPatch(rest, [...ordinaryPatches, patchTypes.apply]);
  return (current) => patched(rest, parsed, current, scales);
}

function checkReplicas(name: string, replicas = 0): void {
  if (replicas >= 0) return;
  const cause: FieldCause = {
    reason: 'FieldValueInvalid',
    field: 'spec.replicas',
    message: `Invalid value: ${replicas}: must be greater than or equal to 0`,
  };
  throw invalid(scaleKind, name, [cause]);
}

/** @throws Internal for a custom object without replicas, as upstream */
function readScale(kind: Kind, object: KubeObject): Scale {
  const { scalePaths } = kind.options;
  if (scalePaths && typeof valueAt(object, scalePaths.specReplicas) !== 'number') {
    const message = `the spec replicas field ${quotedPath(scalePaths)} does not exist`;
    throw new AppError('Internal', message);
  }
  return scaleOf(kind, object);
}

/** @throws BadRequest when neither the object nor the writer names a number for a custom kind */
export function withReplicas(kind: Kind, object: KubeObject, replicas: number | undefined): KubeObject {
  const { scalePaths } = kind.options;
  if (!scalePaths) return { ...object, spec: { ...(object as Scalable).spec, replicas: replicas ?? 0 } } as Scalable;
  if (replicas === undefined) {
    throw new BadRequest(`the spec replicas field ${quotedPath(scalePaths)} cannot be empty`);
  }
  return withValueAt(object, scalePaths.specReplicas, replicas);
}

const quotedPath = ({ specReplicas }: ScalePaths): string => JSON.stringify(`.${specReplicas.join('.')}`);

/** The fields of the object that a Scale shows. */
function scaleParts(kind: Kind, object: KubeObject) {
  const { scalePaths } = kind.options;
  if (!scalePaths) {
    const { spec, status } = object as Scalable;
    return {
      replicas: spec?.replicas ?? 0,
      current: status?.replicas ?? 0,
      selector: renderSelector(spec?.selector),
    };
  }
  const numberAt = (path: readonly string[]) => {
    const value = valueAt(object, path);
    return typeof value === 'number' ? value : undefined;
  };
  const selector = scalePaths.selector && valueAt(object, scalePaths.selector);
  return {
    replicas: numberAt(scalePaths.specReplicas),
    current: numberAt(scalePaths.statusReplicas) ?? 0,
    selector: typeof selector === 'string' ? selector : '',
  };
}

export function scaleOf(kind: Kind, object: CachedObject['object']): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata ?? {};
  const { replicas, current, selector } = scaleParts(kind, object);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: replicas === undefined ? {} : { replicas },
    status: { replicas: current, ...(selector === '' ? {} : { selector }) },
  };
}

/** The selector as text: `app=web,tier in (a,b),!old`. */
function renderSelector(selector: LabelSelector | Record<string, string> | undefined): string {
  if (!selector) return '';
  const { matchLabels = {}, matchExpressions } = isMap(selector) ? { matchLabels: selector } : selector;
  const parts = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  for (const { key, operator, values = [] } of matchExpressions ?? []) {
    if (operator === 'Exists') parts.push(key);
    else if (operator === 'DoesNotExist') parts.push(`!${key}`);
    else parts.push(`${key} ${operator === 'In' ? 'in' : 'notin'} (${[...values].sort().join(',')})`);
  }
  return parts.sort().join(',');
}

/** A plain map as that of a ReplicationController, whose label may be called matchLabels. */
const isMap = (selector: LabelSelector | Record<string, string>): selector is Record<string, string> =>
  Object.values(selector).every((value) => typeof value === 'string');
