// `npm start`: three replicas of rsl-server on this machine, each a process of its own, with their
// data under ./data. Ctrl-C stops them; the next start finds everything again.
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));
const main = join(root, 'apps/server/dist/production/main.js');
const usage = `usage: npm start -- [options]
  --data <directory>    where the replicas keep their data   (default ./data)
  --client-port <port>  of the first replica, for clients    (default 6401: 6401, 6402, 6403)
  --peer-port <port>    of the first replica, for its peers  (default 7401: 7401, 7402, 7403)
  --session-port <port> of the first, for clients with sessions (default 7501: 7501, 7502, 7503)
  --replicas <n>        1, 3, 5 or 7                         (default 3)
  -- <option> …         what else each rsl-server is to be given, as in  -- --window 16`;
const readyWithinMs = 60_000;
const stopWithinMs = 20_000;
const pollMs = 100;

const settings = settingsFrom(process.argv.slice(2));
const replicas = Array.from({ length: settings.replicas }, (_, i) => startReplica(i + 1));
let isStopping = false;
let isReady = false;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void stop(0));
await run();

async function run() {
  const deadline = Date.now() + readyWithinMs;
  const statuses = await untilReady(deadline);
  if (isStopping) return;
  if (statuses === undefined) {
    const silent = replicas.filter((each) => !each.isReady).map(({ id }) => id);
    const why = silent.length > 0 ? `replicas ${silent.join(', ')} are not ready` : 'nobody leads';
    say(`after ${readyWithinMs / 1_000} s ${why}; stopping`);
    return await stop(1);
  }
  isReady = true;
  welcome(statuses);
}

/** The state of each replica once all are ready and agree on a leader; undefined if that fails. */
async function untilReady(deadline) {
  while (Date.now() < deadline && !isStopping) {
    if (replicas.every((each) => each.isReady)) {
      const statuses = await Promise.all(replicas.map(({ clientPort }) => statusOf(clientPort)));
      const leaders = new Set(statuses.map((status) => status?.leader));
      const [leader] = leaders;
      if (leaders.size === 1 && leader !== undefined) return statuses;
    }
    await new Promise((resume) => setTimeout(resume, pollMs));
  }
  return undefined;
}

function welcome(statuses) {
  const { leader } = statuses[0];
  const keys = statuses[0].server.keys;
  say(`${replicas.length} replicas are up${keys > 0 ? `, with ${keys} keys from before` : ''}:`);
  for (const { id, clientPort, peerPort, sessionPort } of replicas) {
    const role = id === leader ? 'leads ' : 'follows';
    say(
      `  replica ${id}  ${role}  clients 127.0.0.1:${clientPort}, with sessions :${sessionPort}` +
        `  peers :${peerPort}  data ${join(settings.shown, String(id))}`,
    );
  }
  const [first, last] = [replicas[0], replicas.at(-1)];
  say('Every replica takes every command. Try:');
  say(`  redis-cli -p ${first.clientPort} set greeting hello`);
  say(`  redis-cli -p ${last.clientPort} get greeting`);
  say(`  redis-cli -p ${last.clientPort} info rsl`);
  say(`  redis-benchmark -p ${first.clientPort} -t set,get,incr,lpush -n 100000 -P 16 -q`);
  say(`  kill -9 ${replicas[leader - 1]?.child.pid ?? ''}    # the leader: the others go on`);
  say('Ctrl-C stops all of them; their data stays.');
}

function startReplica(id) {
  const clientPort = settings.clientPort + id - 1;
  const peerPort = settings.peerPort + id - 1;
  const sessionPort = settings.sessionPort + id - 1;
  const data = join(settings.data, String(id));
  const members = Array.from({ length: settings.replicas }, (_, i) => {
    const host = '127.0.0.1';
    return `${i + 1}=${host}:${settings.peerPort + i}/${host}:${settings.sessionPort + i}`;
  }).join(',');
  const args = ['start', '--id', String(id), '--members', members, '--data', data];
  args.push('--client', `127.0.0.1:${clientPort}`, ...(id === 1 ? ['--bootstrap'] : []));
  args.push('--clients', `127.0.0.1:${sessionPort}`);
  // In a process group of its own, so that Ctrl-C reaches it once, from here.
  const child = spawn(process.execPath, [main, ...args, ...settings.rest], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const ports = { clientPort, peerPort, sessionPort };
  const replica = { id, ...ports, data, child, isReady: false, lastError: '' };
  createInterface(child.stdout).on('line', (line) => hear(replica, line));
  createInterface(child.stderr).on('line', (line) => {
    replica.lastError = line;
  });
  replica.exited = new Promise((resume) => {
    child.on('error', (error) => {
      replica.lastError = error.message;
      resume(127);
    });
    child.on('close', (code, signal) => resume(code ?? signal));
  });
  void replica.exited.then((code) => ended(replica, code));
  return replica;
}

/** A line of a replica's log. What it warns of while the others are still starting is no news. */
function hear(replica, line) {
  const event = parsed(line);
  if (event.event === 'ready') replica.isReady = true;
  if (event.level >= 50) replica.lastError = event.msg;
  const isNews = event.event === 'leading' || event.level >= 40;
  if (isReady && !isStopping && isNews) say(`replica ${replica.id}: ${event.msg}`);
}

function ended(replica, code) {
  replica.isReady = false;
  if (isStopping) return;
  const why = replica.lastError === '' ? '' : `: ${replica.lastError}`;
  say(`replica ${replica.id} ended with ${code}${why}`);
  if (!isReady) return void stop(1);
  const rest = replicas.filter((each) => each.isReady).length;
  if (rest === 0) return void stop(1);
  const majority = Math.floor(replicas.length / 2) + 1;
  say(
    rest >= majority
      ? `  the other ${rest} go on; Ctrl-C and start again to have it back`
      : `  ${rest} of ${replicas.length} are no majority: nothing is answered until a restart`,
  );
}

async function stop(exitCode) {
  if (isStopping) return;
  isStopping = true;
  say('stopping …');
  for (const { child } of replicas) child.kill('SIGTERM');
  const cut = setTimeout(() => {
    for (const { child } of replicas) child.kill('SIGKILL');
  }, stopWithinMs);
  const codes = await Promise.all(replicas.map(({ exited }) => exited));
  clearTimeout(cut);
  const stoppedCleanly = codes.filter((code) => code === 0).length;
  const data = settings.shown;
  console.log(
    JSON.stringify({ command: 'start', replicas: replicas.length, stoppedCleanly, data }),
  );
  process.exit(exitCode);
}

/** What RSL.STATUS says, or undefined while nobody answers. */
function statusOf(port) {
  return new Promise((resume) => {
    let answer = '';
    const socket = connect({ port, host: '127.0.0.1', timeout: 2_000 });
    const end = () => {
      socket.destroy();
      const status = parsed(answer.slice(answer.indexOf('\n') + 1));
      resume(status.server === undefined ? undefined : status);
    };
    socket.on('connect', () => socket.end('RSL.STATUS\r\n'));
    socket.on('data', (bytes) => {
      answer += bytes;
    });
    socket.on('end', end);
    socket.on('error', end);
    socket.on('timeout', end);
  });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function settingsFrom(args) {
  const at = args.indexOf('--');
  const [own, rest] = at < 0 ? [args, []] : [args.slice(0, at), args.slice(at + 1)];
  const text = { type: 'string' };
  let values;
  try {
    const ports = { 'client-port': text, 'peer-port': text, 'session-port': text };
    const options = { data: text, ...ports, replicas: text, help: { type: 'boolean' } };
    ({ values } = parseArgs({ args: own, options }));
  } catch (error) {
    refuse(error.message);
  }
  if (values.help) {
    console.log(usage);
    process.exit(0);
  }
  const replicas = Number(values.replicas ?? 3);
  if (![1, 3, 5, 7].includes(replicas))
    refuse(`--replicas is 1, 3, 5 or 7, not ${String(values.replicas)}`);
  return {
    data: resolve(values.data ?? 'data'),
    shown: values.data ?? 'data',
    clientPort: portOf('--client-port', values['client-port'] ?? '6401', replicas),
    peerPort: portOf('--peer-port', values['peer-port'] ?? '7401', replicas),
    sessionPort: portOf('--session-port', values['session-port'] ?? '7501', replicas),
    replicas,
    rest,
  };
}

function portOf(option, text, replicas) {
  const port = Number(text);
  const last = 65_536 - replicas;
  if (Number.isInteger(port) && port >= 1 && port <= last) return port;
  return refuse(`${option} is a port of 1 … ${last}, not ${text}`);
}

function refuse(why) {
  console.error(`cluster: ${why}\n${usage}`);
  process.exit(2);
}

function say(text) {
  console.log(text);
}
