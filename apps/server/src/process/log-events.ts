import type { Logger, Replica } from '@rsl/core';

/** Says what happens to the replica; each line has an `event` to look for. */
export function logEvents(replica: Replica, logger: Logger): void {
  const { store, configuration, executedThrough } = replica.status();
  logger.info({ event: 'open', store, configuration, executedThrough }, 'the log was read');
  replica.on('leading', ({ ballot }) => {
    logger.info({ event: 'leading', ballot }, 'this replica leads');
  });
  replica.on('recovered', ({ ballot }) => {
    logger.info({ event: 'recovered', ballot }, 'it has executed all that was decided before');
  });
  replica.on('following', ({ leader }) => {
    logger.info({ event: 'following', leader }, 'this replica follows');
    warnNewcomer(replica, logger);
  });
  replica.on('configuration', ({ membership }) => {
    const { number, group } = membership;
    const members = membership.members.map(({ id }) => id);
    logger.info({ event: 'configuration', number, group, members }, 'the members are known');
    warnNewcomer(replica, logger);
  });
  warnNewcomer(replica, logger);
}

/** A directory that is not the one the member had: nothing is wrong but one vote is missing. */
function warnNewcomer(replica: Replica, logger: Logger): void {
  const { state, store, members, self } = replica.status();
  if (state !== 'newcomer') return;
  const known = members.find(({ id }) => id === self)?.store;
  logger.warn(
    { event: 'newcomer', store, memberStore: known },
    'the store in --data is not a member of the group: this replica follows and serves, ' +
      'but does not vote. Give it the directory it had, or add it as a new member',
  );
}
