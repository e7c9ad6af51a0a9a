import { setTimeout } from 'node:timers/promises';
import type { Logger, PeerAddress, Replica } from '@rsl/core';
import { isRslError } from '../client/is-rsl-error.ts';

const attemptMs = 5_000;
const pauseMs = 200;

/** `--bootstrap`: tries until the group is formed, was formed already, or cannot be. */
export async function formGroup(
  replica: Replica,
  members: readonly PeerAddress[],
  logger: Logger,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      const outcome = await replica.bootstrap(members, { timeoutMs: attemptMs });
      const event = { event: 'bootstrap', outcome };
      if (outcome === 'formed') logger.info(event, 'the group was formed');
      else logger.debug(event, 'the group was formed before: --bootstrap has nothing to do');
      return;
    } catch (error) {
      if (!isRslError(error) || error.code === 'RSL_CLOSED') return;
      if (error.code !== 'RSL_BOOTSTRAP_INCOMPLETE') {
        const { code, message } = error;
        logger.error({ event: 'bootstrap', code, error: message }, 'the group cannot be formed');
        return;
      }
      const waiting = { event: 'bootstrap', attempt, error: error.message };
      logger.info(waiting, 'waiting for the other members before the group is formed');
    }
    await setTimeout(pauseMs);
  }
}
