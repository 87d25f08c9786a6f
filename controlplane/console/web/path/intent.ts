// Whether a person in this page wants the question that the address names. Another site can open the page at any address, and history and
// reload repeat one: none of them may make the page send packets.
let intended: string | undefined;

/** Call it in the handler of a click or a submit, with the address that follows. */
export function intend(hash: string): void {
  intended = hash;
}

/** True once for each intention. */
export function takeIntention(): boolean {
  const isIntended = intended === location.hash;
  intended = undefined;
  return isIntended;
}
