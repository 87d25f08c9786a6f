// Why a member cannot be reached, in words that name the option to look at. The gRPC library passes on what OpenSSL says. Pure.

const wrapped =
  /^No connection established\. Last error: (?:Error: )?(.*?)\.?(?: ?\([-0-9T:.]+Z\))?\.? Resolution note: /;

const troubles: readonly (readonly [RegExp, string])[] = [
  [
    /alert (?:bad certificate|unknown ca|certificate required|certificate expired|certificate unknown)/,
    'it refuses the client certificate: --etcd-certfile is absent, has expired, or is not signed by an authority that etcd trusts',
  ],
  [
    /unable to verify|self[- ]signed certificate|unable to get (?:local )?issuer/,
    'its certificate is not signed by an authority of --etcd-cafile',
  ],
  [/certificate has expired/, 'its certificate has expired'],
  [/certificate is not yet valid/, 'its certificate is not valid yet: compare the clocks'],
  [
    /no application protocol|wrong version number/,
    'what answers there is not the client port of etcd, or only one side uses TLS',
  ],
];

/** @param reason the library's text */
export function reasonOf(reason: string): string {
  const line = reason.replace(/\s+/g, ' ');
  const why = wrapped.exec(line)?.[1] ?? line;
  return troubles.find(([pattern]) => pattern.test(why))?.[1] ?? why;
}
