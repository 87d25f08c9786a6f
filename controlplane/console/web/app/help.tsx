// The list of keys.
import type { Resource } from '../../model/discovery';
import { goToKeys, resourceOfKey, toolKeys } from '../../model/sections';
import { Dialog } from '../parts/dialog';
import { useTexts } from './context';

export function Help({
  resources,
  onClose,
}: {
  readonly resources: readonly Resource[];
  readonly onClose: () => void;
}) {
  const t = useTexts();
  const rows: readonly (readonly [string, string])[] = [
    ['/', t('keySearch')],
    ['?', t('keyHelp')],
    ['Esc', t('keyEscape')],
    ['↑ ↓ PgUp PgDn Home End', t('keyArrows')],
    ['Enter', t('keyOpen')],
    ...Object.entries(toolKeys).map(([letter, tool]) => [`g ${letter}`, t('keyGoTo', { kind: t(tool) })] as const),
    ...Object.keys(goToKeys).flatMap((letter) => {
      const resource = resourceOfKey(resources, letter);
      return resource ? [[`g ${letter}`, t('keyGoTo', { kind: resource.plural })] as const] : [];
    }),
  ];
  return (
    <Dialog title={t('helpTitle')} onClose={onClose}>
      <table class="keys">
        <tbody>
          {rows.map(([keys, text]) => (
            <tr key={keys}>
              <th scope="row">
                {keys.split(' ').map((key) => (
                  <kbd key={key}>{key}</kbd>
                ))}
              </th>
              <td>{text}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <div class="buttons">
        <button type="button" class="button" onClick={onClose}>
          {t('close')}
        </button>
      </div>
    </Dialog>
  );
}
