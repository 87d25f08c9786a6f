// Answers in YAML for clients that request it: the JSON answer with its keys sorted, as upstream does.
import { DUMP_SCHEMA, defineScalarTag, dump, intCoreTag } from 'js-yaml';
import { parseStored } from '../../api/json-text';

/** The tag of numbers, for bigints too. */
const integers = defineScalarTag<unknown>(intCoreTag.tagName, {
  ...intCoreTag,
  identify: (value) => typeof value === 'bigint' || intCoreTag.identify(value),
  represent: (value) => (typeof value === 'bigint' ? String(value) : intCoreTag.represent(value)),
});
const schema = DUMP_SCHEMA.withTags(integers);

export const jsonToYaml = (json: string): string =>
  dump(parseStored(json), { sortKeys: true, lineWidth: -1, noRefs: true, schema });
