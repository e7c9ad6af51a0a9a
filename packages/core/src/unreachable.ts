/** Makes a switch total: a new kind then fails to compile wherever it is not handled. */
export function unreachable(value: never): never {
  throw new TypeError(`unreachable: ${JSON.stringify(value)}`);
}
