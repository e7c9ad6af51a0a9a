import { describeBallot } from '../../src/paxos/ballot.ts';
import { textOf } from '../paxos/fixture.ts';

/** Anything of the protocol in one short line, for the story that a failure tells. */
export function described(thing: unknown): string {
  if (Array.isArray(thing)) return `[${thing.map(described).join(', ')}]`;
  if (thing instanceof Uint8Array) return `${thing.length} B`;
  if (thing instanceof Map) return described([...thing]);
  if (typeof thing !== 'object' || thing === null) return String(thing);
  if (isBallot(thing)) return describeBallot(thing);
  if (isValue(thing)) return `"${textOf(thing)}"`;
  const { kind, ...rest } = thing as { readonly kind?: string };
  const skipped = ['cookie', 'payload', 'membership', 'report'];
  const fields = Object.entries(rest).filter(([name]) => !skipped.includes(name));
  const said = fields.map(([name, value]) => `${name} ${described(value)}`).join(' ');
  return kind === undefined ? `{${said}}` : `${kind} ${said}`;
}

const isBallot = (thing: object): thing is Parameters<typeof describeBallot>[0] =>
  'configuration' in thing && 'round' in thing && 'proposer' in thing;

const isValue = (thing: object): thing is Parameters<typeof textOf>[0] =>
  'bytes' in thing && 'checksum' in thing;
