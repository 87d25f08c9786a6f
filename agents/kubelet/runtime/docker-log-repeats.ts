// Docker 20.10 sends some lines of a followed json-file log a second time when the file is rotated (moby/moby#37646). Every line has
// the time at which Docker read it, in nanoseconds. So a time that was seen before marks a repeat. Pure, except for the state
// that it keeps.

/** How many lines are remembered by their times: more than Docker repeats (3,883 in a test), and a few MB at most. */
const remembered = 65_536;

export class LogRepeats {
  /** How many lines had this time, oldest first. */
  private readonly counts = new Map<string, number>();
  private newest = '';
  /** How many repeats with the newest time are still expected. */
  private atLast = 0;
  private repeating = false;

  /** The time of the last line that was not a repeat; '' before the first. */
  get last(): string {
    return this.newest;
  }

  /** The next lines start with the last line, which was sent already. */
  expectLast(): void {
    this.repeating = true;
    this.atLast = this.counts.get(this.newest) ?? 0;
  }

  /**
   * Whether a line with this time, as Docker writes it, was sent before. Parts of one long line have the same time and follow one another.
   */
  isRepeat(time: string): boolean {
    if (time === this.newest) {
      if (this.repeating && this.atLast > 0) {
        this.atLast--;
        return true;
      }
    } else if (time < this.newest && this.counts.has(time)) {
      this.expectLast();
      return true;
    }
    // A new line: its time is later, or earlier because the clock was set back.
    this.repeating = false;
    this.newest = time;
    this.counts.set(time, (this.counts.get(time) ?? 0) + 1);
    if (this.counts.size > remembered) this.counts.delete(this.counts.keys().next().value!);
    return false;
  }
}

/** The time that Docker put before a line, and the line. Undefined when there is none. */
export function splitTime(line: Buffer): { readonly time: string; readonly text: Buffer } | undefined {
  const blank = line.indexOf(0x20);
  const time = line.toString('latin1', 0, Math.max(0, blank));
  return timeForm.test(time) ? { time, text: line.subarray(blank + 1) } : undefined;
}

/** Seconds since the epoch, in the form of Docker's parameters. */
export const secondsOf = (time: string): string => `${Date.parse(`${time.slice(0, 19)}Z`) / 1000}${time.slice(19, -1)}`;

/** RFC 3339 with nine digits of a second, always UTC, so that texts compare as times do. */
const timeForm = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/;
