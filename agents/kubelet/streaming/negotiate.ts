// Which sub-protocol client and server agree on. Pure. Version numbers count the protocol of exec and attach:
// 1 plain error text, 3 adds resizing, 4 the status as JSON, 5 half-close over WebSocket.

export interface RemoteCommandProtocol {
  readonly name: string;
  readonly version: 1 | 2 | 3 | 4 | 5;
  readonly base64: boolean;
}

const protocol = (name: string, version: RemoteCommandProtocol['version'], base64 = false): RemoteCommandProtocol => ({
  name,
  version,
  base64,
});

/** Best first. */
export const spdyProtocols = [
  protocol('v4.channel.k8s.io', 4),
  protocol('v3.channel.k8s.io', 3),
  protocol('v2.channel.k8s.io', 2),
  protocol('channel.k8s.io', 1),
];
export const webSocketProtocols = [
  protocol('v5.channel.k8s.io', 5),
  protocol('v4.channel.k8s.io', 4),
  protocol('v4.base64.channel.k8s.io', 4, true),
  protocol('channel.k8s.io', 1),
  protocol('base64.channel.k8s.io', 1, true),
];

export const portForwardProtocol = 'portforward.k8s.io';
/** SPDY inside WebSocket messages (KEP-4006). */
export const portForwardTunnel = `SPDY/3.1+${portForwardProtocol}`;
/** Two WebSocket channels per port, data and error. */
export const portForwardChannels = [protocol('v4.channel.k8s.io', 4), protocol('v4.base64.channel.k8s.io', 4, true)];

/** Splits header values: repeated headers arrive joined by commas. */
export const parseOffers = (header: string | readonly string[] | undefined): readonly string[] =>
  (header === undefined ? [] : [header].flat())
    .flatMap((value) => value.split(','))
    .map((name) => name.trim())
    .filter((name) => name !== '');

/** The client's first offer that we speak; offers are in the client's order of preference. */
export function choose<T extends { readonly name: string }>(
  offers: readonly string[],
  spoken: readonly T[],
): T | undefined {
  for (const offer of offers) {
    const found = spoken.find(({ name }) => name === offer);
    if (found) return found;
  }
  return undefined;
}
