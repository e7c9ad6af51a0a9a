import { Executor } from '../../src/paxos/executor.ts';
import { Learner } from '../../src/paxos/learner.ts';
import type { Slot } from '../../src/paxos/slot.ts';
import { ballot, batch, group, phase1a, phase2a } from '../paxos/fixture.ts';
import { breaking } from './breaking.ts';
import { acceptorStage } from './stage.ts';

const value = batch('x');

breaking('stand-1 above every promise (P1)', () => {
  const { acceptor, out } = acceptorStage();
  acceptor.stand(phase1a(ballot(3, 2)), [], out);
});

breaking('stand-2 nobody stands in another’s ballot', () => {
  const { acceptor, out } = acceptorStage();
  acceptor.stand(phase1a(ballot(4, 1)), [], out);
});

breaking('stand-3 in its own configuration (R6)', () => {
  const { acceptor, out } = acceptorStage();
  acceptor.stand(phase1a(ballot(4, 2, 2)), [], out);
});

breaking('2a-24 in its own configuration (R1)', () => {
  const { acceptor, out } = acceptorStage();
  acceptor.on2a(1, phase2a(ballot(4, 1, 2), 1, value), out);
});

breaking('2a-25 nothing is proposed below the base (P6)', () => {
  const { acceptor, out } = acceptorStage();
  acceptor.on2a(1, phase2a(ballot(4, 1), 1, value, { base: 2 }), out);
});

breaking('vote-1 not below the promise (P1)', () => {
  const { acceptor, out } = acceptorStage();
  acceptor.vote(ballot(2, 1), 1, 1, value, out);
});

breaking('vote-2 not over a decided slot (P1)', () => {
  const { acceptor, learner, out } = acceptorStage();
  learner.decide(1, value);
  acceptor.vote(ballot(3, 3), 1, 1, value, out);
});

breaking('vote-3 not below the base (P6)', () => {
  const { acceptor, out } = acceptorStage();
  acceptor.vote(ballot(3, 3), 2, 1, value, out);
});

/** Takes back what it knew to be decided. */
class ForgetfulLearner extends Learner {
  hasForgotten = false;

  override isDecided(slot: Slot): boolean {
    return !this.hasForgotten && super.isDecided(slot);
  }
}

breaking(
  'watermark-1 every slot from the base on is voted for in the ballot, or decided (P6)',
  () => {
    const learner = new ForgetfulLearner(new Executor(group(3), 0), new Map([[1, value]]), 1_000);
    const { acceptor } = acceptorStage(learner);
    acceptor.watermark(ballot(3, 3), 1);
    learner.hasForgotten = true;
    acceptor.watermark(ballot(3, 3), 1);
  },
);

breaking('forget-1 only votes of decided slots go (P11)', () => {
  acceptorStage().acceptor.forget(1);
});

breaking('truncate-1 only released slots are cut (P11)', () => {
  acceptorStage().acceptor.truncate(2);
});
