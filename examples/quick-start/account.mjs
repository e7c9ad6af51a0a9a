// Commands that are refused by the application, and what the replica has measured meanwhile.
import { ApplicationError, startReplica, typed } from '@rsl/core';
import { MemoryNetwork, memoryLog, memoryTransport } from '@rsl/core/testing';

let balance = 10;
const account = typed({
  execute({ withdraw }) {
    if (withdraw > balance) {
      const missing = withdraw - balance;
      throw new ApplicationError('insufficient-funds', `only ${balance} left`, { missing });
    }
    balance -= withdraw;
    return balance;
  },
  snapshot: () => balance,
  restore: (saved) => {
    balance = saved;
  },
});

const [group, self] = ['account', 1];
const transport = memoryTransport(new MemoryNetwork(), 'replica-1');
const options = { group, self, stateMachine: account, log: memoryLog(), transport };
const replica = await startReplica(options);
await replica.bootstrap([{ id: self, addresses: { memory: 'replica-1' } }]);
console.log('withdraw 4, left:', await replica.propose({ withdraw: 4 }));
try {
  await replica.propose({ withdraw: 9 });
} catch ({ code, outcome, applicationCode, message, data }) {
  console.log('withdraw 9:', code, outcome, applicationCode, message, data);
}
const { executeUs, batchCommands } = replica.metrics({ reset: true });
console.log('slots with commands:', batchCommands.count, 'measured:', executeUs.p99 > 0);
await replica.close();
