import { InvalidOptionError } from '@rsl/core';
import { formatAddress, type HostPort, isLoopback, parseAddress } from './address.ts';

/** How to open a TCP transport. Survives structured cloning. */
export interface TcpOptions {
  /** `127.0.0.1:7001`, `[::1]:7001` or `db1.example:7001`; port 0 takes a free one. */
  readonly listen: string;
  /** Listen beyond loopback although frames are neither encrypted nor authenticated. */
  readonly allowPlaintext?: boolean;
  /** Connections that others dialed, all groups; a peer has two. */
  readonly connectionsMax?: number;
  /** Connections that others dialed and that have not finished their handshake. */
  readonly handshakesMax?: number;
  /** From the start of a dial, or of an accepted connection, to the end of its handshake. */
  readonly handshakeTimeoutMs?: number;
  /** A connection that was silent for so long is asked for a sign of life. */
  readonly pingIntervalMs?: number;
  /** A connection that was silent for so long is closed. */
  readonly deadAfterMs?: number;
  /** How long the holder of an id has to answer when somebody else comes with the same id. */
  readonly probeTimeoutMs?: number;
  /** The first wait before dialing again; it doubles up to the largest. */
  readonly reconnectDelayMsMin?: number;
  readonly reconnectDelayMsMax?: number;
}

/** Every number: what it is unless given, and its range. */
export const optionRanges = {
  connectionsMax: { otherwise: 256, from: 2, through: 65_536 },
  handshakesMax: { otherwise: 64, from: 1, through: 65_536 },
  handshakeTimeoutMs: { otherwise: 5_000, from: 50, through: 600_000 },
  pingIntervalMs: { otherwise: 1_000, from: 25, through: 600_000 },
  deadAfterMs: { otherwise: 3_000, from: 50, through: 3_600_000 },
  probeTimeoutMs: { otherwise: 1_500, from: 25, through: 600_000 },
  reconnectDelayMsMin: { otherwise: 50, from: 1, through: 3_600_000 },
  reconnectDelayMsMax: { otherwise: 5_000, from: 1, through: 3_600_000 },
} as const;

type NumberOption = keyof typeof optionRanges;

interface Range {
  readonly otherwise: number;
  readonly from: number;
  readonly through: number;
}

/** The options, checked and complete. */
export type Settings = { readonly [K in NumberOption]: number } & {
  readonly listen: HostPort;
  readonly given: TcpOptions;
};

/** Throws RSL_INVALID_OPTION; the message says what to write instead. */
export function settingsOf(given: string | TcpOptions): Settings {
  const options: TcpOptions = typeof given === 'string' ? { listen: given } : given;
  if (typeof options !== 'object' || options === null) {
    throw new InvalidOptionError('listen', "give an address such as '127.0.0.1:7001'");
  }
  const numbers = numbersOf(optionRanges, options, ['listen', 'allowPlaintext']);
  const listen = listenAddress(options, 'tcp');
  mustNotExceed(numbers, 'pingIntervalMs', 'deadAfterMs');
  mustNotExceed(numbers, 'reconnectDelayMsMin', 'reconnectDelayMsMax');
  return { ...numbers, listen, given: { ...options } };
}

/** Parsed; beyond loopback only if that is asked for. `opener` is the function to write. */
export function listenAddress({ listen, allowPlaintext }: TcpOptions, opener: string): HostPort {
  const address = typeof listen === 'string' ? parseAddress(listen) : undefined;
  if (address === undefined) {
    throw new InvalidOptionError(
      'listen',
      `must be host:port or [IPv6]:port with a port of 0 … 65535, not ${JSON.stringify(listen)}`,
    );
  }
  if (!isLoopback(address.host) && allowPlaintext !== true) {
    throw new InvalidOptionError(
      'listen',
      `${formatAddress(address)} can be reached from other machines, and frames travel without ` +
        'encryption or proof of identity. On a network that you trust whole, say so with ' +
        `${plaintextCall(opener, formatAddress(address))}; otherwise listen on ` +
        'loopback and put a tunnel (WireGuard, TLS proxy) in front',
    );
  }
  return address;
}

const plaintextCall = (opener: string, address: string): string =>
  opener === 'tcp'
    ? `tcp({ listen: '${address}', allowPlaintext: true })`
    : `${opener}('${address}', { allowPlaintext: true })`;

/** Every number of `ranges`, given or not; `others` are the names of what is no number. */
export function numbersOf<Name extends string>(
  ranges: Readonly<Record<Name, Range>>,
  options: object,
  others: readonly string[],
): { readonly [K in Name]: number } {
  for (const name of Object.keys(options)) {
    if (!others.includes(name) && !Object.hasOwn(ranges, name)) {
      throw new InvalidOptionError(name, 'the TCP transport has no option of that name');
    }
  }
  const given = new Map<string, unknown>(Object.entries(options));
  const names = Object.keys(ranges) as Name[];
  const numbers = names.map((name) => [name, numberOf(name, given.get(name), ranges[name])]);
  return Object.fromEntries(numbers) as { [K in Name]: number };
}

function numberOf(name: string, given: unknown, { otherwise, from, through }: Range): number {
  const value: unknown = given ?? otherwise;
  if (typeof value === 'number' && Number.isInteger(value) && value >= from && value <= through) {
    return value;
  }
  throw new InvalidOptionError(
    name,
    `must be a whole number of ${from} … ${through}, not ${String(value)}`,
  );
}

export function mustNotExceed<Name extends string>(
  numbers: { readonly [K in Name]: number },
  lesser: Name,
  greater: Name,
): void {
  if (numbers[lesser] > numbers[greater]) {
    throw new InvalidOptionError(
      lesser,
      `${numbers[lesser]} is more than ${greater}, ${numbers[greater]}`,
    );
  }
}
