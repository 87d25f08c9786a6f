// Refuses new objects of a kind whose definition is deleted: they would come after the deletion of its objects, or hold it up. Watches
// go on, and see the objects' deletion.
import { customResourceDefinitions } from '../../api/custom-resource-definition';
import { isCustom } from '../../api/kind';
import { type OpenRule, refusal } from '../write/rule';

export const terminatingDefinitions: OpenRule = ({ cache }) => {
  const definitions = cache.kind(customResourceDefinitions);
  return {
    name: 'TerminatingDefinitions',
    concerns: ({ operation, kind }) => operation === 'create' && isCustom(kind),
    mutate(write) {
      const { plural, group } = write.kind;
      // Kinds of the server itself may have a schema and no definition.
      const definition = definitions.get(`${plural}.${group}`);
      if (!definition?.object.metadata?.deletionTimestamp) return;
      throw refusal(write, 'create not allowed while custom resource definition is terminating');
    },
  };
};
