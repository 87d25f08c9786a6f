// May the user do this: one question to the server, whose answer is kept for a short time.
import type { AccessQuestion } from '../../model/actions';
import type { Api } from './requests';

export interface Access {
  readonly isAllowed: boolean;
  /** The server's words; '' when it has none. */
  readonly reason: string;
}

const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
const keptMs = 30_000;

interface Review {
  readonly status?: { readonly allowed?: boolean; readonly reason?: string };
}

export class AccessReviews {
  private readonly kept = new Map<string, { readonly untilMs: number; readonly access: Promise<Access> }>();

  constructor(private readonly api: Api) {}

  ask(question: AccessQuestion): Promise<Access> {
    const key = JSON.stringify(question);
    const kept = this.kept.get(key);
    if (kept && performance.now() < kept.untilMs) return kept.access;
    const access = this.review(question);
    this.kept.set(key, { untilMs: performance.now() + keptMs, access });
    // The next reader asks again.
    access.catch(() => this.kept.delete(key));
    return access;
  }

  private async review(question: AccessQuestion): Promise<Access> {
    const { status } = await this.api.create<Review>(path, { spec: { resourceAttributes: question } });
    return { isAllowed: status?.allowed === true, reason: status?.reason ?? '' };
  }
}
