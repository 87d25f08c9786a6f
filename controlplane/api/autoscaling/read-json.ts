// Reads JSON that a user wrote into an annotation, as Go reads it into typed structs: a value of another type makes the whole text
// unreadable, null is absent, unknown fields are ignored, and names of fields match in any case.
import { isQuantity } from '../quantity';
import type { LabelSelector } from '../types';

/** Undefined when the text is no JSON, or when `read` meets a value of a wrong type. */
export function readJson<T>(text: string, read: (value: unknown) => T): T | undefined {
  try {
    return read(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** One value, with the readers of its type; each throws a TypeError on another type. */
export class JsonFields {
  private readonly fields: ReadonlyMap<string, unknown>;

  constructor(value: unknown) {
    const object = value ?? {};
    if (typeof object !== 'object' || Array.isArray(object)) throw new TypeError('no object');
    this.fields = new Map(Object.entries(object).map(([name, field]) => [name.toLowerCase(), field]));
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** '' when it is absent, as in Go. */
  text(name: string): string {
    return this.optionalText(name) ?? '';
  }

  optionalText(name: string): string | undefined {
    const value = this.get(name);
    if (value !== undefined && typeof value !== 'string') throw new TypeError(`${name} is no text`);
    return value;
  }

  integer(name: string): number | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || !Number.isInteger(value) || Math.abs(value) > 2 ** 31) {
      throw new TypeError(`${name} is no integer`);
    }
    return value;
  }

  quantity(name: string): string | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    const isText = typeof value === 'string' || typeof value === 'number';
    if (!isText || !isQuantity(value)) throw new TypeError(`${name} is no quantity`);
    return String(value);
  }

  object(name: string): JsonFields {
    return new JsonFields(this.get(name));
  }

  list<T>(name: string, read: (fields: JsonFields) => T): T[] {
    return listOf(this.get(name), read);
  }

  texts(name: string): string[] {
    const value = this.get(name) ?? [];
    if (!Array.isArray(value) || value.some((item) => typeof item !== 'string'))
      throw new TypeError(`${name} is no list`);
    return value as string[];
  }

  /** A map of texts. */
  private map(name: string): Record<string, string> | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    const isMap = typeof value === 'object' && !Array.isArray(value);
    if (!isMap || Object.values(value as object).some((item) => typeof item !== 'string')) {
      throw new TypeError(`${name} is no map`);
    }
    return value as Record<string, string>;
  }

  selector(name: string): LabelSelector | undefined {
    if (!this.has(name)) return undefined;
    const fields = this.object(name);
    const matchLabels = fields.map('matchLabels');
    const matchExpressions = fields.list('matchExpressions', (expression) => {
      const values = expression.texts('values');
      const rest = { key: expression.text('key'), operator: expression.text('operator') };
      return values.length > 0 ? { ...rest, values } : rest;
    });
    return {
      ...(matchLabels && Object.keys(matchLabels).length > 0 ? { matchLabels } : {}),
      ...(matchExpressions.length > 0 ? { matchExpressions } : {}),
    };
  }

  private get(name: string): unknown {
    return this.fields.get(name.toLowerCase()) ?? undefined;
  }
}

export function listOf<T>(value: unknown, read: (fields: JsonFields) => T): T[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new TypeError('no list');
  return value.map((item) => read(new JsonFields(item)));
}
