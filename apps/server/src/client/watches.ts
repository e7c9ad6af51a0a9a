/** What one connection watches: the version that each key had when it was first watched. */
export class Watches {
  readonly versions = new Map<string, number>();
  /** Bytes of the keys that were asked for, whether or not their versions are known yet. */
  bytes = 0;
  /** A WATCH failed, so nobody knows whether its keys have changed. */
  broken = false;

  get isEmpty(): boolean {
    return this.bytes === 0;
  }
}
