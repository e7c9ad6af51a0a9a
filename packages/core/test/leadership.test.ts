import type { Leadership, Replica } from '@rsl/core';
import { afterEach, expect, test } from 'vitest';
import { bytesOf, Cluster, until } from './cluster.ts';

let cluster: Cluster;

afterEach(async () => {
  await cluster.close();
});

interface Heard {
  readonly events: string[];
  readonly leaderships: Leadership[];
}

/** What a replica says about itself, and at each word how its last signal stood. */
function listen(replica: Replica): Heard {
  const events: string[] = [];
  const leaderships: Leadership[] = [];
  const signal = (): string => (leaderships.at(-1)?.signal.aborted ? 'ended' : 'leads');
  replica.on('leading', (leadership) => {
    leaderships.push(leadership);
    events.push(`leading ${signal()}`);
  });
  replica.on('recovered', (leadership) => {
    expect(leadership).toBe(leaderships.at(-1));
    events.push(`recovered ${signal()}`);
  });
  replica.on('following', () => {
    if (leaderships.length > 0) events.push(`following ${signal()}`);
  });
  replica.on('stopped', () => events.push(`stopped ${signal()}`));
  return { events, leaderships };
}

async function listened(): Promise<Map<number, Heard>> {
  cluster = new Cluster();
  const heard = new Map<number, Heard>();
  for (const id of cluster.ids) heard.set(id, listen(await cluster.start(id)));
  await cluster.at(1).bootstrap(cluster.members);
  return heard;
}

test('its signal fires before a leader follows; the next one’s fence is greater', async () => {
  const heard = await listened();
  const leader = await cluster.leader();
  const own = heard.get(leader.id) as Heard;
  await until('it has recovered', () => own.events.includes('recovered leads'));

  // Cut off, it hears no quorum; meanwhile the others find another leader.
  cluster.arrives = (from, to) => from !== leader.id && to !== leader.id;
  await until('it follows', () => own.events.some((event) => event.startsWith('following')));
  const all = cluster.ids.map((id) => cluster.at(id));
  await until('another leads', () =>
    all.some((each) => each.id !== leader.id && each.status().state === 'leader'),
  );
  cluster.arrives = () => true;
  const next = await cluster.leader();
  const theirs = heard.get(next.id) as Heard;
  await until('it was told', () => theirs.leaderships.length > 0);
  expect(own.events.slice(0, 3)).toEqual(['leading leads', 'recovered leads', 'following ended']);
  const [mine, other] = [own.leaderships[0]?.fence ?? '', theirs.leaderships.at(-1)?.fence ?? ''];
  expect(mine).toHaveLength(20);
  expect(mine < other).toBe(true);
});

test('who is closed leads no more from that call on, and says so last', async () => {
  const heard = await listened();
  const leader = await cluster.leader();
  const { events, leaderships } = heard.get(leader.id) as Heard;
  await until('it has recovered', () => events.includes('recovered leads'));
  const signal = leaderships.at(-1)?.signal;
  const fired: string[] = [];
  signal?.addEventListener('abort', () => fired.push(leader.status().state));
  const closed = leader.close();
  expect(signal?.aborted).toBe(true);
  expect(fired).toEqual(['stopped']);
  await closed;
  cluster.replicas.delete(leader.id);
  await until('it was told', () => events.at(-1) === 'stopped ended');
  await (await cluster.leader()).propose(bytesOf('the others go on'));
  expect(events.filter((event) => event.startsWith('stopped'))).toHaveLength(1);
});

test('a listener that throws changes nothing', async () => {
  cluster = new Cluster({ replicas: 1 });
  const replica = await cluster.start(1);
  for (const event of ['leading', 'recovered', 'configuration'] as const) {
    replica.on(event, () => {
      throw new Error('the test says so');
    });
  }
  const { events } = listen(replica);
  await replica.bootstrap(cluster.members);
  await replica.propose(bytesOf('a'));
  await until('it was told', () => events.length === 2);
  expect(events).toEqual(['leading leads', 'recovered leads']);
});
