import fc from 'fast-check';
import { expect, test } from 'vitest';
import { membershipFromJson, membershipToJson } from './membership-json.ts';

const member = { id: 1, store: '0123456789abcdef', role: 'voter', addresses: { tcp: 'a:1' } };
const membership = {
  group: 'feedfacefeedface',
  number: 1,
  firstSlot: 1,
  members: [member],
  previous: [],
};
const decode = (value: unknown) => membershipFromJson(Buffer.from(JSON.stringify(value)));

test('what was encoded is decoded', () => {
  const given = membership as unknown as Parameters<typeof membershipToJson>[0];
  expect(membershipFromJson(membershipToJson(given))).toEqual(membership);
  const founded = { ...given, founding: { slot: 7, digest: 'ab'.repeat(32) } };
  expect(membershipFromJson(membershipToJson(founded))).toEqual(founded);
});

test('anything else is refused', () => {
  const wrong: unknown[] = [
    null,
    1,
    [],
    {},
    { ...membership, group: '' },
    { ...membership, number: -1 },
    { ...membership, firstSlot: 1.5 },
    { ...membership, members: {} },
    { ...membership, previous: [null] },
    ...[null, {}, { slot: 0, digest: 'ab'.repeat(32) }, { slot: 1, digest: 'ab' }].map(
      (founding) => ({ ...membership, founding }),
    ),
    ...[{ id: 65_536 }, { id: '1' }, { store: 7 }, { role: 'king' }, { addresses: { tcp: 1 } }].map(
      (change) => ({ ...membership, members: [{ ...member, ...change }] }),
    ),
  ];
  for (const value of wrong) expect(decode(value), JSON.stringify(value)).toBeUndefined();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      expect(membershipFromJson(bytes)).toBeUndefined();
    }),
  );
});
