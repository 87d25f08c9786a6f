// Asks before something is lost: what it is, and whether to stay.
import { Dialog } from '../parts/dialog';
import { useTexts } from './context';
import type { Leaving } from './use-route';

export function LeaveDialog({ losses, stay, leave }: Leaving) {
  const t = useTexts();
  return (
    <Dialog title={t('leaveTitle')} onClose={stay}>
      {losses.map((key) => (
        <p key={key}>{t(key)}</p>
      ))}
      <div class="buttons">
        <button type="button" class="button primary" onClick={stay}>
          {t('stay')}
        </button>
        <button type="button" class="button danger" onClick={leave}>
          {t('leave')}
        </button>
      </div>
    </Dialog>
  );
}
