import { BoardWriter, boardMemory, type Notice } from '../../src/engine/board.ts';
import { writeProgress } from '../../src/engine/records.ts';
import { RemoteApplication } from '../../src/engine/remote-application.ts';
import { RingReader, ringMemory, RingWriter } from '../../src/engine/ring.ts';
import { SlotFeed } from '../../src/engine/slot-feed.ts';
import { Staged } from '../../src/engine/staged.ts';
import { progressRecord } from '../../src/engine/words.ts';
import { zeroBallot } from '../../src/paxos/ballot.ts';
import { noOp } from '../../src/paxos/value.ts';
import { breaking } from './breaking.ts';

const nobody = (): void => undefined;

breaking('ring-1 nothing is written over before it was read', () => {
  const memory = ringMemory(4_096);
  // Its reader says that it has read what was never written.
  new Int32Array(memory)[0] = 8;
  new RingWriter(memory, nobody).offer(1, []);
});

breaking('ring-2 kinds are 1 … 255', () => {
  new RingWriter(ringMemory(4_096), nobody).offer(256, []);
});

breaking('board-1 a notice fits on the board', () => {
  const notice = { status: { reason: 'x'.repeat(200_000) } } as unknown as Notice;
  new BoardWriter(boardMemory(1)).showNotice(notice);
});

breaking('staged-1 commands go to the leader that they were taken for, or to nobody', () => {
  const staged = new Staged(7, new SharedArrayBuffer(4));
  staged.add({ configuration: 1, round: 1, proposer: 1 }, new Uint8Array(8));
  let looks = 0;
  // The leader changes while they are taken.
  staged.takeSegments(
    {
      configuration: 1,
      get round() {
        looks += 1;
        return looks > 1 ? 2 : 1;
      },
      proposer: 1,
    },
    1,
    1,
  );
});

/** A feed whose log has one value in every slot that it is asked for, under another number. */
function feed(run: (durable: () => void) => void = (durable) => durable()): SlotFeed {
  return new SlotFeed({
    ring: new RingWriter(ringMemory(4_096), nobody),
    log: {
      read: (from) => {
        const stored = [{ slot: from + 1, ballot: undefined, value: noOp }];
        return { then: (read: (all: typeof stored) => void) => read(stored) } as never;
      },
    },
    readBytesMax: 1_000,
    whenDurable: run,
    failed: nobody,
  });
}

breaking('feed-1 slots are released in their order, each once (P7)', () => {
  const fed = feed();
  fed.begin(0, 0);
  fed.release(2, noOp);
});

breaking('feed-2 no slot is left out or sent twice (P7)', () => {
  feed().begin(0, 3);
});

/** An engine that is told how far its application has come. */
function told(...executedThrough: readonly number[]): void {
  const memory = ringMemory(4_096);
  const ring = new RingWriter(memory, nobody);
  const fed = feed();
  fed.begin(5, 5);
  const application = new RemoteApplication({
    epoch: 7,
    commands: new RingReader(memory),
    staged: new SharedArrayBuffer(4),
    feed: () => fed,
    happened: nobody,
    ready: nobody,
    isLayered: false,
    ordered: nobody,
    installed: nobody,
    turnEnded: nobody,
    stopped: nobody,
  });
  for (const through of executedThrough) {
    const sessions = { endsInMs: undefined };
    const progress = { timeMs: 0, sealedIn: zeroBallot, wakeAtMs: undefined, sessions };
    ring.offer(progressRecord, writeProgress({ ...progress, executedThrough: through }));
  }
  application.takeIn();
}

breaking('remote-1 what is executed stays executed (P7)', () => told(5, 4));

breaking('remote-2 only what was sent is executed, or what a layer has loaded (P7)', () => told(6));
