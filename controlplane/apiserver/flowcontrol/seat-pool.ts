// The seats of all priority levels.
//   (1) A level can always use its guaranteed seats.
//   (2) Seats that levels lend belong to all: a level takes one when its own are used. When one is free, levels below their nominal number
//       come first, then the others in turn.
//   (3) No level has more than `most` seats.
// Upstream hands the lent seats out every ten seconds, by the demand of the last ones; here a seat goes to who needs it at that moment.
import type { Level, Waiter } from './level';
import { lendable } from './seats';

export class SeatPool {
  private capacity = 0;
  /** Seats in use above what is guaranteed to their level. */
  private shared = 0;
  /** Levels with waiting requests, in turn. */
  private readonly queued = new Set<Level>();

  /** After the seats of levels have changed. `levels` are all that have requests or may get some. */
  resize(levels: Iterable<Level>): void {
    const all = [...levels];
    this.capacity = lendable(all.map(({ seats }) => seats));
    this.shared = all.reduce((sum, { executing, seats }) => sum + Math.max(0, executing - seats.guaranteed), 0);
    this.dispatch();
  }

  /** Takes a seat if one is free and no earlier request of the level waits for it. */
  tryTake(level: Level): boolean {
    if (level.waiting > 0 || !this.hasSeat(level)) return false;
    this.take(level);
    return true;
  }

  /** A request of the level waits. */
  wait(level: Level): void {
    this.queued.add(level);
  }

  giveBack(level: Level): void {
    level.executing--;
    if (level.executing >= level.seats.guaranteed) this.shared--;
    if (this.queued.size > 0) this.dispatch();
  }

  private hasSeat({ executing, seats }: Level): boolean {
    return executing < seats.guaranteed || (executing < seats.most && this.shared < this.capacity);
  }

  private take(level: Level): void {
    if (level.executing >= level.seats.guaranteed) this.shared++;
    level.executing++;
  }

  private dispatch(): void {
    while (this.startOne(({ executing, seats }) => executing < seats.nominal) || this.startOne(() => true));
  }

  private startOne(mayStart: (level: Level) => boolean): boolean {
    for (const level of this.queued) {
      if (level.waiting === 0) {
        this.queued.delete(level);
        continue;
      }
      if (!mayStart(level) || !this.hasSeat(level)) continue;
      const waiter: Waiter | undefined = level.next();
      this.queued.delete(level);
      if (!waiter) continue;
      // Behind the other levels.
      this.queued.add(level);
      this.take(level);
      waiter.start();
      return true;
    }
    return false;
  }
}
