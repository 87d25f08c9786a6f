// What is said of a change on the timeline.
import type { Change } from '../../model/topology/changes';
import type { Translate } from '../app/context';
import { causeText } from './box-shape';

export function changeWords(t: Translate, change: Change): string {
  switch (change.what) {
    case 'stopBegan':
    case 'stopEnded':
      return t(change.what, { what: causeText(t, change.stop) });
    case 'rolloutBegan':
    case 'rolloutEnded':
      return t(change.what, { name: change.name });
    case 'pods':
      return t('podsChanged', { namespace: change.name });
  }
}
