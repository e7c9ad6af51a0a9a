/**
 * Connections between clients and replicas. Not between replicas: there frames may be lost, and two
 * lanes overtake each other (`Transport`). Here a frame arrives in order or the connection breaks.
 */

/** What happens on one connection. Nothing comes after `closed`. */
export interface ClientConnectionEvents {
  /** `frame` is valid only during the call. If it throws, the connection is closed. */
  frame(frame: Uint8Array): void;
  /** Follows a `send` that returned false: there is room again, also for what was refused. */
  drain(): void;
  /**
   * It is over, once; not told to whoever closed it. Whatever the error is: `connectClient` gives
   * it to callers as a cause only.
   */
  closed(error: Error | undefined): void;
}

/** One side of a connection. */
export interface ClientConnection {
  /** Where the other side is, for logs. */
  readonly remote: string;
  /**
   * Queues one frame, the parts one after the other, or returns false: more than
   * `sendQueueBytesMax` would wait, or it is over, or not open; nothing was queued. The caller
   * never writes the parts again. RangeError unless a frame is 1 … `frameBytesMax` bytes long, of
   * the side that takes less.
   */
  send(parts: readonly Uint8Array[]): boolean;
  /** Bytes that wait to be sent. */
  readonly queuedBytes: number;
  /** No more frames are taken in until `resume`; what has arrived by then may still come. */
  pause(): void;
  /** Frames come again, those first that have waited. */
  resume(): void;
  /** Sends what is queued, if it can at once, and ends. No event comes after it. */
  close(): void;
}

/** A replica's side. */
export interface ClientListener {
  /** The address that clients can reach, for example `127.0.0.1:7501`. */
  readonly address: string;
  /**
   * Takes connections in from now on, and none before; each is given to `accept`, which gives what
   * is to hear of it. Called once.
   */
  serve(accept: (connection: ClientConnection) => ClientConnectionEvents): void;
  /** Closes every connection; no event comes after it. A second call does nothing. */
  close(): Promise<void>;
}

/** A client's side. */
export interface ClientConnector {
  /**
   * Dials. `open` is told once it stands, `closed` if it does not come to that; frames may be sent
   * only after `open`.
   */
  connect(address: string, on: ClientConnectionEvents & { open(): void }): ClientConnection;
}

/** Bounds of one connection. */
export interface ClientTransportLimits {
  /** One frame. */
  readonly frameBytesMax: number;
  /** Queued for the other side. */
  readonly sendQueueBytesMax: number;
}
