import type { Client, ClientTurn } from './client.ts';

/** Proposes and reads; now and then it gives up, asks with little time, or comes with many. */
export const digestClient: Client = async (turn) => {
  const { random } = turn;
  const what = random.below(100);
  if (what < 20) await turn.read('linearizable');
  else if (what < 22) await turn.read('local');
  else if (what < 24) await turn.read({ atLeast: turn.newest + random.below(2) });
  else if (what < 45) await turn.propose(command(turn));
  else if (what < 60) await turn.proposeOnce(command(turn), random.pick([1_500, 5_000, 60_000]));
  else if (what < 64) await turn.propose(command(turn), { timeoutMs: 1 + random.below(300) });
  else if (what < 67) await abandoned(turn);
  else if (what < 99) await turn.proposeMany(commands(turn, 1 + random.below(4)));
  else await turn.proposeMany(commands(turn, 20 + random.below(60)));
};

/** The caller gives up, before or after the command has left. */
async function abandoned(turn: ClientTurn): Promise<void> {
  const caller = new AbortController();
  const result = turn.propose(command(turn), { signal: caller.signal });
  if (turn.random.chance(50)) caller.abort();
  else
    void turn.read('linearizable').then(
      () => caller.abort(),
      () => caller.abort(),
    );
  await result;
}

const commands = (turn: ClientTurn, count: number): Uint8Array[] =>
  Array.from({ length: count }, () => command(turn));

/** Most are small; a few fill a batch by themselves. */
function command({ random }: ClientTurn): Uint8Array {
  const bytes = Buffer.alloc(random.chance(3) ? 500 + random.below(1_500) : 4 + random.below(24));
  bytes.writeUInt32LE(random.below(2 ** 32));
  return bytes;
}
