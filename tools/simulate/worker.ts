// One process of the pool: runs the cases that it is given, one at a time.
import { type Case, outcomeOf } from './seed.ts';

process.on('message', (one: Case) => {
  void outcomeOf(one).then((outcome) => process.send?.(outcome));
});
process.on('disconnect', () => process.exit());
