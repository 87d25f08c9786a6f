// The options of a deletion: from its body, or from its query when it has no body.
import { decodeStructure } from '../../api/schema/structure';
import { invalid } from '../../api/validation/causes';
import { BadRequest } from '../../base/errors';
import { header } from '../request';
import type { RestRequest } from './context';
import { decodeBody, isRecord, noTypeMeta } from './decode';
import { checkDryRun, type Options, readOptions, refuseInvalid, unsupported } from './options';

export type Propagation = 'Background' | 'Foreground' | 'Orphan';

export interface DeleteOptions {
  /** Absent: the grace period of the object itself. */
  readonly gracePeriodSeconds?: number;
  readonly propagation?: Propagation;
  /** The older way to ask for Orphan or Background. */
  readonly orphanDependents?: boolean;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly dryRun: boolean;
}

/** The options of a body that a query cannot have. */
interface DeleteOptionsBody extends Options<'DeleteOptions'> {
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

export async function readDeleteOptions(rest: RestRequest): Promise<DeleteOptions> {
  const { request, query, schemas } = rest;
  const body = await request.body();
  if (body.length === 0) return checkDeleteOptions(readOptions('DeleteOptions', query));
  const schema = schemas.ofModel('V1DeleteOptions');
  const value = decodeBody(body, header(request.headers, 'content-type'), schema) ?? {};
  checkDeleteOptionsKind(value);
  request.audit?.sentText(Buffer.from(JSON.stringify(value)));
  return parseDeleteOptions(rest, value);
}

/** @throws BadRequest */
function checkDeleteOptionsKind(value: unknown): void {
  if (!isRecord(value)) throw new BadRequest(`couldn't get version/kind; json parse error: ${noTypeMeta(value)}`);
  const { kind, apiVersion } = value;
  if (typeof kind !== 'string' || kind === '' || kind === 'DeleteOptions') return;
  throw new BadRequest(
    `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion || 'v1')}`,
  );
}

/** Fields of a wrong type are errors, unknown fields are dropped. @throws BadRequest, Invalid */
export function parseDeleteOptions({ schemas }: RestRequest, value: unknown): DeleteOptions {
  decodeStructure(schemas.ofModel('V1DeleteOptions'), value, undefined);
  return checkDeleteOptions(value as DeleteOptionsBody);
}

function checkDeleteOptions(options: DeleteOptionsBody): DeleteOptions {
  const { gracePeriodSeconds, orphanDependents, propagationPolicy: policy, dryRun, preconditions = {} } = options;
  const { uid, resourceVersion } = preconditions;
  const both = policy !== undefined && orphanDependents !== undefined;
  const why = 'orphanDependents and deletionPropagation cannot be both set';
  refuseInvalid('DeleteOptions', [
    ...(both ? [invalid('propagationPolicy', policy, why)] : []),
    ...(policy === undefined || isPropagation(policy)
      ? []
      : [unsupported('propagationPolicy', policy, [...policies, 'nil'])]),
    ...checkDryRun(dryRun),
  ]);
  const older = orphanDependents === undefined ? undefined : orphanDependents ? 'Orphan' : 'Background';
  const propagation = policy !== undefined && isPropagation(policy) ? policy : older;
  return {
    dryRun: (dryRun ?? []).length > 0,
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    ...(propagation === undefined ? {} : { propagation }),
    ...(orphanDependents === undefined ? {} : { orphanDependents }),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
}

const policies: readonly Propagation[] = ['Foreground', 'Background', 'Orphan'];
const isPropagation = (value: string): value is Propagation => (policies as readonly string[]).includes(value);
