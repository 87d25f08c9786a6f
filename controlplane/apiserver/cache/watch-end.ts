/**
 * Why a watch ends without an error: the kind that it watches has another form now, or is not served any more. As upstream the answer
 * ends as after a timeout, and the client lists again.
 */
export class WatchEnd extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'WatchEnd';
  }
}
