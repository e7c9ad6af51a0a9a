/** What Redis says, word for word: clients compare these. */
export const wrongType = 'WRONGTYPE Operation against a key holding the wrong kind of value';
export const notAnInteger = 'ERR value is not an integer or out of range';
export const notPositive = 'ERR value is out of range, must be positive';
export const syntaxError = 'ERR syntax error';
export const wouldOverflow = 'ERR increment or decrement would overflow';
export const tooLong = 'ERR string exceeds maximum allowed size (proto-max-bulk-len)';
export const keysFull = 'OOM too many keys: delete some, a server holds at most 100,000,000';
export const itemsFull = 'OOM too many items in one key, which holds at most 16,000,000';

export const wrongArity = (command: string): string =>
  `ERR wrong number of arguments for '${command}' command`;
export const invalidExpiry = (command: string): string =>
  `ERR invalid expire time in '${command}' command`;
