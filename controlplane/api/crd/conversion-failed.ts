// The error of a conversion between versions of a custom kind.
import { AppError } from '../../base/errors';

/** A custom object that cannot be shown in another version. Requests that need that version get its message with code 500 and no reason. */
export class ConversionFailed extends AppError {
  constructor(message: string, cause?: unknown) {
    super('Internal', message, { cause });
  }
}
