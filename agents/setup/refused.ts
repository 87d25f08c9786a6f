// The error of the set-up for people: what is wrong, and what to do about it.
import { AppError } from '../../controlplane/base/errors';

/** Wrong use or an unfit machine. The message is shown as it is: the cause, then on the next line what to do. */
export class Refused extends AppError {
  constructor(cause: string, whatToDo: string) {
    super('BadRequest', `${cause}\n  ${whatToDo}`);
  }
}
