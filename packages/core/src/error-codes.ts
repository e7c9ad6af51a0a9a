/**
 * May the command still happen? `unknown`: it may, once, or never; only a session can tell.
 * `executed`: it has happened, once, and the error is its result.
 */
export type Outcome = 'not-executed' | 'executed' | 'unknown' | 'none';

/** Every code: what it means, and what to do. `docs/errors.md` is generated from this table. */
export const errorCodes = {
  RSL_NOT_LEADER: {
    class: 'NotLeaderError',
    outcome: 'not-executed',
    meaning: 'No leader took the command before the deadline; it has not executed and never will.',
    action: 'Try again; if it stays, check that a majority of the members is up and connected.',
  },
  RSL_OVERLOADED: {
    class: 'OverloadedError',
    outcome: 'not-executed',
    meaning: 'A bounded queue is full.',
    action: 'Slow down and try again; the message names the limit.',
  },
  RSL_OUTCOME_UNKNOWN: {
    class: 'OutcomeUnknownError',
    outcome: 'unknown',
    meaning: 'The deadline passed, or the replica closed, after the command was proposed.',
    action: 'Read back what the command would have changed before sending it again.',
  },
  RSL_ABORTED: {
    class: 'AbortedError',
    outcome: 'not-executed',
    meaning: 'The caller’s AbortSignal fired; the command has not executed and never will.',
    action: 'Nothing: it was asked for.',
  },
  RSL_CLOSED: {
    class: 'ClosedError',
    outcome: 'not-executed',
    meaning: 'The replica was closed, or has stopped, before it could take the call.',
    action: 'Look at the `stopped` event or `status()` for the reason; start it again.',
  },
  RSL_SESSION_EXPIRED: {
    class: 'SessionExpiredError',
    outcome: 'unknown',
    meaning:
      'The session has ended, or never was: the command was not executed now. Whether it was ' +
      'executed earlier, if it was sent before, nobody remembers.',
    action: 'Open another session; read back what the last commands would have changed.',
  },
  RSL_RESULT_GONE: {
    class: 'ResultGoneError',
    outcome: 'executed',
    meaning:
      'The command was executed before, under this session, and its result is not kept any more; ' +
      'or its client has said that it would not ask for it again.',
    action: 'Read back what the command has changed; do not send it again.',
  },
  RSL_QUERY_FAILED: {
    class: 'QueryFailedError',
    outcome: 'none',
    meaning: 'The state machine answers no queries, or could not answer this one.',
    action: 'The message says what it said.',
  },
  RSL_SLOT_NOT_REACHED: {
    class: 'SlotNotReachedError',
    outcome: 'none',
    meaning: 'This replica had not executed the slot of a read at least there before the deadline.',
    action:
      'Wait longer, or read at another replica; if it stays, compare `executedThrough` in its ' +
      'status with that of the others.',
  },
  RSL_COMMAND_TOO_LARGE: {
    class: 'CommandTooLargeError',
    outcome: 'not-executed',
    meaning: 'A command is larger than `commandBytesMax`.',
    action: 'Split it, or raise the limit on every replica first.',
  },
  RSL_ALREADY_FORMED: {
    class: 'BootstrapError',
    outcome: 'none',
    meaning: 'The group, or a store that was named, already belongs to another set of members.',
    action: 'Compare `status().members` with the members given; never wipe a store to get past it.',
  },
  RSL_BOOTSTRAP_INCOMPLETE: {
    class: 'BootstrapError',
    outcome: 'none',
    meaning: 'Not every member named was reached before the deadline; no group was formed.',
    action: 'Start the missing members, then bootstrap again with the same set.',
  },
  RSL_LOG_TRUNCATED: {
    class: 'LogTruncatedError',
    outcome: 'none',
    meaning: 'A slot below the first one that the log keeps was asked for.',
    action: 'The state machine has to bring a state of its own that reflects what came before.',
  },
  RSL_LOG_CORRUPT: {
    class: 'CorruptionError',
    outcome: 'none',
    meaning: 'A checksum failed outside a torn tail: durable data was damaged.',
    action: 'Keep the files; replace this member, or restore the file named from the medium.',
  },
  RSL_SNAPSHOT_CORRUPT: {
    class: 'SnapshotCorruptError',
    outcome: 'none',
    meaning: 'A snapshot, or a copy of one, is not what was committed: it is never loaded.',
    action: 'Nothing: an older one, or another member’s, is taken. Look after the medium.',
  },
  RSL_SNAPSHOT_GONE: {
    class: 'SnapshotGoneError',
    outcome: 'none',
    meaning: 'This snapshot was discarded, or another one of its slot has taken its place.',
    action: 'List the snapshots again, and open one of those.',
  },
  RSL_DIVERGED: {
    class: 'DivergedError',
    outcome: 'unknown',
    meaning:
      'Members have made different states of the same slots: the state machine does not do the ' +
      'same everywhere, or a machine is faulty. Who differs from a quorum sets its snapshots ' +
      'aside and stops.',
    action:
      'Find out what differs: compare the snapshots that were set aside with those of others. ' +
      'A replica that has stopped makes its state anew when it is started: from a peer’s ' +
      'snapshot if its log was cut, else from its log. If only the saved bytes differ, and not ' +
      'the states, set `onDiverged` to `warn`.',
  },
  RSL_STORAGE_FAILED: {
    class: 'StorageError',
    outcome: 'unknown',
    meaning: 'A write or sync failed. The replica stops: what is on the medium is not known.',
    action: 'Repair the medium, then start again: opening finds out what was written.',
  },
  RSL_STORAGE_FULL: {
    class: 'StorageError',
    outcome: 'not-executed',
    meaning:
      'The medium has no room for the log to be created or to grow; nothing of what did not fit ' +
      'was stored.',
    action:
      'Make room where the log is kept. A leader takes commands again by itself; a replica that ' +
      'has stopped has to be started again.',
  },
  RSL_STORAGE_LOCKED: {
    class: 'StorageError',
    outcome: 'none',
    meaning: 'Another process uses the directory.',
    action: 'Stop that process, or use another directory.',
  },
  RSL_STORAGE_UNUSABLE: {
    class: 'StorageError',
    outcome: 'none',
    meaning: 'The directory cannot be created, read or written.',
    action: 'Check its path, owner and mode, and that the file system is not read-only.',
  },
  RSL_WRONG_STORE: {
    class: 'StorageError',
    outcome: 'none',
    meaning: 'The store belongs to another group or replica, or has another format version.',
    action: 'Give each replica its own directory; do not copy one to another.',
  },
  RSL_OLD_COPY: {
    class: 'OldCopyError',
    outcome: 'none',
    meaning:
      'The store was put back to an earlier copy: others remember more of it. It has taken a new ' +
      'store id, so that what it once promised and has forgotten can harm nobody.',
    action:
      'Start it again: it learns and serves what is decided, without a vote, until the group is ' +
      'told to replace the old store by the new one.',
  },
  RSL_STATE_MACHINE_FAILED: {
    class: 'StateMachineFailedError',
    outcome: 'unknown',
    meaning: 'The state machine threw, or gave a wrong number of results. The replica stops.',
    action:
      'Mend the state machine: the same command throws on every replica, at every start. If it ' +
      'cannot be mended, and no replica has executed that slot, start every one with ' +
      '`skip: [slot]`, rsl-server with `--skip-slot`; read docs/operations.md first.',
  },
  RSL_LOAD_FAILED: {
    class: 'LoadFailedError',
    outcome: 'unknown',
    meaning:
      'The `load` of the state machine threw, or what it read could not be read to its end: its ' +
      'state is not known. The replica stops.',
    action: 'Mend what the cause says, and start the replica again: it loads a state from anew.',
  },
  RSL_ENGINE_FAILED: {
    class: 'EngineFailedError',
    outcome: 'unknown',
    meaning: 'With `isolation: thread`, the thread of the engine has ended. The replica stops.',
    action: 'Look at its cause; start the replica again.',
  },
  RSL_SLOT_SKIPPED: {
    class: 'SlotSkippedError',
    outcome: 'not-executed',
    meaning: 'The command is in a slot that the replicas were told to skip; nobody executes it.',
    action: 'Send it again, unless it is the one that made the state machine fail.',
  },
  RSL_APPLICATION: {
    class: 'CommandFailedError',
    outcome: 'executed',
    meaning:
      'The command was executed, and the state machine answered it with an ApplicationError; ' +
      'what it had changed before stays.',
    action: 'Look at `applicationCode` and `data`: what they mean is up to the application.',
  },
  RSL_STREAM_BEHIND: {
    class: 'StreamBehindError',
    outcome: 'none',
    meaning: 'The next slot of a stream of executed slots is not kept any more (streamBytesMax).',
    action: 'Read the state and `executedThrough` together, and begin anew at the slot after it.',
  },
  RSL_FRAME_INVALID: {
    class: 'FrameError',
    outcome: 'none',
    meaning: 'Bytes from a peer are not a frame of this version, group and length.',
    action: 'Look for a wrong address or another version; the connection is closed and counted.',
  },
  RSL_PEER_REFUSED: {
    class: 'PeerRefusedError',
    outcome: 'none',
    meaning:
      'A handshake or a join failed: other group, wrong or duplicate replica id, other version.',
    action: 'Compare the addresses and ids of both sides.',
  },
  RSL_LISTEN_FAILED: {
    class: 'ListenError',
    outcome: 'none',
    meaning: 'The address cannot be listened on.',
    action: 'Check that it is this machine’s and that no other process uses it.',
  },
  RSL_DEVICE_UNAVAILABLE: {
    class: 'DeviceUnavailableError',
    outcome: 'none',
    meaning: 'A device or native addon that was asked for is not there.',
    action: 'The message names what to install.',
  },
  RSL_INVALID_OPTION: {
    class: 'InvalidOptionError',
    outcome: 'not-executed',
    meaning: 'An option is missing, out of range, or contradicts another one.',
    action: 'The message names the option, its range and what was given.',
  },
  RSL_INTERNAL: {
    class: 'RslError',
    outcome: 'unknown',
    meaning: 'An exception that nothing here expects: a bug in these packages. The replica stops.',
    action: 'Report it, with its cause; start the replica again.',
  },
  RSL_CONTRACT_VIOLATION: {
    class: 'ContractViolation',
    outcome: 'unknown',
    meaning: 'A bug in these packages (development build only).',
    action: 'Report it, with the message.',
  },
} as const satisfies Record<
  string,
  { class: string; outcome: Outcome; meaning: string; action: string }
>;

/** Never renamed once released. Each is in docs/errors.md, with what to do. */
export type RslErrorCode = keyof typeof errorCodes;
