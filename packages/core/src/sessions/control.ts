/**
 * Words about sessions, each a command of a segment of kind 2. Little-endian.
 *
 *   open    u8 1; u32 time-out in ms                      answered with the name
 *   close   u8 2; name                                    answered with nothing
 *   use     u8 3; name; u64 acknowledged                  answered with nothing
 *   name    u64 slot; u32 offset
 */
import { Reader, Writer } from '../codec/bytes.ts';
import { FrameError } from '../errors.ts';
import type { SessionName } from './session-name.ts';

export type Control =
  | { readonly kind: 'open'; readonly ttlMs: number }
  | { readonly kind: 'close'; readonly name: SessionName }
  /** Nothing is to be executed, and the session goes on. */
  | { readonly kind: 'use'; readonly name: SessionName; readonly acknowledged: number };

export function encodeControl(control: Control): Uint8Array {
  const out = new Writer();
  switch (control.kind) {
    case 'open':
      out.u8(1);
      out.u32(control.ttlMs);
      break;
    case 'close':
      out.u8(2);
      writeName(control.name, out);
      break;
    case 'use':
      out.u8(3);
      writeName(control.name, out);
      out.u64(control.acknowledged);
  }
  return out.copy();
}

/** FrameError for anything else: nobody has encoded it. */
export function decodeControl(bytes: Uint8Array): Control {
  const fields = new Reader(bytes);
  const control = readControl(fields);
  fields.end();
  return control;
}

function readControl(fields: Reader): Control {
  const kind = fields.u8();
  if (kind === 1) return { kind: 'open', ttlMs: fields.u32() };
  if (kind === 2) return { kind: 'close', name: readName(fields) };
  if (kind === 3) return { kind: 'use', name: readName(fields), acknowledged: fields.u64() };
  throw new FrameError('no word about a session');
}

export function encodeName(name: SessionName): Uint8Array {
  const out = new Writer();
  writeName(name, out);
  return out.copy();
}

export function decodeName(bytes: Uint8Array): SessionName {
  return readName(new Reader(bytes));
}

function writeName({ slot, offset }: SessionName, out: Writer): void {
  out.u64(slot);
  out.u32(offset);
}

const readName = (fields: Reader): SessionName => ({ slot: fields.slot(), offset: fields.u32() });
