/**
 * What the author of a store, a transport or a layer types: the vocabulary and the ports.
 *
 * @module @rsl/core/protocol
 */
export { membershipFromJson, membershipToJson, parseMembership } from './codec/membership-json.ts';
export type { Frame, FrameWriter } from './codec/frame.ts';
export * from './paxos/ballot.ts';
export * from './paxos/effect.ts';
export * from './paxos/input.ts';
export * from './paxos/log-record.ts';
export * from './paxos/membership.ts';
export * from './paxos/messages.ts';
export * from './paxos/protocol.ts';
export * from './paxos/quorum.ts';
export * from './paxos/slot.ts';
export * from './paxos/value.ts';
export * from './paxos/vote.ts';
export * from './ports/client-transport.ts';
export * from './ports/clock.ts';
export * from './ports/decided-log.ts';
export * from './ports/layer.ts';
export * from './ports/log-store.ts';
export * from './ports/logger.ts';
export * from './ports/port.ts';
export * from './ports/random.ts';
export * from './ports/snapshot-store.ts';
export * from './ports/state-machine.ts';
export * from './ports/transport.ts';
export { foundingImage } from './host/image.ts';
export { OfflineState } from './host/offline-state.ts';
export { Replica } from './paxos/replica.ts';
export type { Settings } from './paxos/settings.ts';
export { restoredAfter } from './host/recovery.ts';
