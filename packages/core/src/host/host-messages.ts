import type { HostMessage } from '../codec/host-codec.ts';
import type { PeerIdentity } from '../ports/transport.ts';
import type { HostParts } from './host-parts.ts';

type Takers = Pick<HostParts, 'commands' | 'forming' | 'sleep' | 'standings'>;

/** What follows from a message: a turn, also of whoever sleeps, or nothing. */
export type Follows = 'stir' | 'turn' | 'nothing';

/**
 * What comes in beside the protocol, given to whom it is for. FrameError for commands that are not
 * well formed; whatever else is thrown, `guarded` takes.
 */
export function takeHostMessage(
  { commands, forming, sleep, standings }: Takers,
  from: PeerIdentity,
  message: HostMessage,
  guarded: (run: () => void) => void,
): Follows {
  switch (message.kind) {
    case 'forward':
      commands.onMessage(from.id, message);
      return 'stir';
    case 'forward-ack':
      commands.onMessage(from.id, message);
      return 'turn';
    case 'sleep':
    case 'asleep':
    case 'awake':
      sleep.onSleepMessage(from, message);
      return 'turn';
    case 'standing':
      guarded(() => standings.onStanding(from, message));
      return 'nothing';
    case 'recalled':
      guarded(() => standings.onRecalled(from, message));
      return 'nothing';
    default:
      guarded(() => forming.onMessage(from, message));
      return 'nothing';
  }
}
