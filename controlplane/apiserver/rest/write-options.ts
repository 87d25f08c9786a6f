// The options of a create, update or patch: dry run, field validation, field manager, force.
import type { FieldValidation } from '../../api/schema/structure';
import { forbidden, required } from '../../api/validation/causes';
import { patchTypes } from '../patch/patch';
import { header } from '../request';
import type { RestRequest } from './context';
import {
  checkDryRun,
  checkFieldManager,
  checkFieldValidation,
  type Options,
  type OptionsKind,
  readOptions,
  refuseInvalid,
} from './options';

export interface WriteOptions {
  readonly dryRun: boolean;
  readonly fieldValidation: FieldValidation;
  /** '' when the request has none. */
  readonly fieldManager: string;
  readonly force: boolean;
}

const defaults: WriteOptions = { dryRun: false, fieldValidation: 'Warn', fieldManager: '', force: false };

/** @throws BadRequest, Invalid */
export function writeOptions(rest: RestRequest): WriteOptions {
  const apply = mediaType(rest) === patchTypes.apply && rest.route.verb === 'patch';
  if (rest.query.size === 0 && !apply) return defaults;
  const kind = optionsKind(rest);
  // PatchOptions have all options of the other types.
  const options: Options<'PatchOptions'> = readOptions(kind, rest.query);
  const { dryRun, fieldManager, fieldValidation, force } = options;
  const missing = apply && (fieldManager ?? '') === '';
  refuseInvalid(kind, [
    ...(missing ? [required('fieldManager', 'is required for apply patch')] : []),
    ...(!apply && force !== undefined ? [forbidden('force', 'may not be specified for non-apply patch')] : []),
    ...checkFieldManager(fieldManager),
    ...checkDryRun(dryRun),
    ...checkFieldValidation(fieldValidation),
  ]);
  return {
    dryRun: (dryRun ?? []).length > 0,
    fieldValidation: (fieldValidation || 'Warn') as FieldValidation,
    fieldManager: fieldManager ?? '',
    force: force ?? false,
  };
}

function optionsKind({ route }: RestRequest): OptionsKind {
  if (route.verb === 'patch') return 'PatchOptions';
  return route.verb === 'update' ? 'UpdateOptions' : 'CreateOptions';
}

/** The Content-Type without its parameters. */
export const mediaType = ({ request }: RestRequest): string =>
  header(request.headers, 'content-type').split(';', 1)[0]!.trim().toLowerCase();
