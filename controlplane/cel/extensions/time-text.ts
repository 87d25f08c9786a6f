// Timestamps and durations as texts, and conversions of them that the library lacks.
import type { Environment } from '@marcbachmann/cel-js';

const timestamp = 'google.protobuf.Timestamp';
const duration = 'google.protobuf.Duration';

/** 2026-01-02T03:04:05Z, with a fraction only if there is one. */
export const timestampText = (time: Date): string => time.toISOString().replace(/\.000Z$|0?0Z$/, 'Z');

/** 90s, 1.5s: the unit is always a second, as in protobuf. */
export const durationText = (value: object): string => String(value);

export function registerTimeText(environment: Environment): void {
  environment
    .registerFunction(`string(${timestamp}): string`, timestampText)
    .registerFunction(`string(${duration}): string`, durationText)
    .registerFunction(`int(${timestamp}): int`, (time: Date) => BigInt(Math.floor(time.getTime() / 1000)))
    .registerFunction(`timestamp(${timestamp}): ${timestamp}`, (time: Date) => time)
    .registerFunction(`duration(${duration}): ${duration}`, (value: object) => value);
}
