// How many requests each priority level may run at once, from the shares of all levels. Pure. Source: the page "API Priority and
// Fairness".
import type { PriorityLevelConfiguration } from '../../api/index';

export interface Seats {
  /** The level's share of all seats. */
  readonly nominal: number;
  /** What the level can always use; the rest of the nominal seats may be lent. */
  readonly guaranteed: number;
  /** With borrowed seats. */
  readonly most: number;
}

interface Shares {
  readonly nominalConcurrencyShares?: number;
  readonly lendablePercent?: number;
  readonly borrowingLimitPercent?: number;
}

const sharesOf = ({ spec }: PriorityLevelConfiguration): Shares => spec?.limited ?? spec?.exempt ?? {};
const percent = (of: number, part: number): number => Math.round((of * part) / 100);

/** By the name of the level. `total` is the number of seats of the server. */
export function seatsOf(levels: readonly PriorityLevelConfiguration[], total: number): ReadonlyMap<string, Seats> {
  const sum = levels.reduce((all, level) => all + (sharesOf(level).nominalConcurrencyShares ?? 0), 0);
  return new Map(
    levels.map((level) => {
      const { nominalConcurrencyShares: shares = 0, lendablePercent = 0, borrowingLimitPercent } = sharesOf(level);
      const nominal = sum === 0 ? 0 : Math.ceil((total * shares) / sum);
      const guaranteed = nominal - percent(nominal, lendablePercent);
      const most = borrowingLimitPercent === undefined ? total : nominal + percent(nominal, borrowingLimitPercent);
      return [level.metadata?.name ?? '', { nominal, guaranteed, most }];
    }),
  );
}

/** The seats that levels lend. */
export const lendable = (seats: Iterable<Seats>): number => {
  let all = 0;
  for (const { nominal, guaranteed } of seats) all += nominal - guaranteed;
  return all;
};
