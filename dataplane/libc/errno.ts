// The last error of a libc call through koffi, by name.
import koffi from 'koffi';

/** ENOENT; of the call just made by this thread. */
export function errnoName(): string {
  const errno = koffi.errno();
  return Object.entries(koffi.os.errno).find(([, value]) => value === errno)?.[0] ?? `errno ${errno}`;
}
