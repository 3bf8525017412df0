import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headerName } from '../../base/header-names.js';
import { RequestHeaders, Trailers } from '../../base/headers.js';
import { type Random, seededRandom } from '../../base/random.js';
import { HpackDecoder, MALFORMED } from './hpack-decoder.js';
import { HpackEncoder } from './hpack-encoder.js';
import { decodeBlock } from './test-kit.js';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

/* RFC 7541 appendix C: each list is one connection. */
const C3: [string, string[]][] = [
  [
    '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
    [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com'],
  ],
  [
    '8286 84be 5808 6e6f 2d63 6163 6865',
    [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com', 'cache-control: no-cache'],
  ],
  [
    '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
    [':method: GET', ':scheme: https', ':path: /index.html', ':authority: www.example.com', 'custom-key: custom-value'],
  ],
];
const C4: [string, string[]][] = [
  ['8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff', C3[0][1]],
  ['8286 84be 5886 a8eb 1064 9cbf', C3[1][1]],
  ['8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf', C3[2][1]],
];
const C5_LINES = [
  [
    ':status: 302',
    'cache-control: private',
    'date: Mon, 21 Oct 2013 20:13:21 GMT',
    'location: https://www.example.com',
  ],
  [
    ':status: 307',
    'cache-control: private',
    'date: Mon, 21 Oct 2013 20:13:21 GMT',
    'location: https://www.example.com',
  ],
  [
    ':status: 200',
    'cache-control: private',
    'date: Mon, 21 Oct 2013 20:13:22 GMT',
    'location: https://www.example.com',
    'content-encoding: gzip',
    'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
  ],
];
const C5: [string, string[]][] = [
  [
    '4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
    C5_LINES[0],
  ],
  ['4803 3330 37c1 c0bf', C5_LINES[1]],
  [
    '88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31',
    C5_LINES[2],
  ],
];
const C6: [string, string[]][] = [
  [
    '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
    C5_LINES[0],
  ],
  ['4883 640e ffc1 c0bf', C5_LINES[1]],
  [
    '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
    C5_LINES[2],
  ],
];

test('requests of RFC 7541 C.3 and C.4 decode as it says', () => {
  for (const list of [C3, C4]) {
    const decoder = new HpackDecoder();
    for (const [bytes, lines] of list) assert.deepEqual(decodeBlock(decoder, hex(bytes)), lines);
  }
});

test('responses of RFC 7541 C.5 and C.6 decode as it says, with a table of 256 octets that evicts', () => {
  for (const list of [C5, C6]) {
    const decoder = new HpackDecoder();
    assert.deepEqual(decodeBlock(decoder, hex('3fe101')), []);
    for (const [bytes, lines] of list) assert.deepEqual(decodeBlock(decoder, hex(bytes)), lines);
  }
});

test('representations of RFC 7541 C.2 decode as it says', () => {
  const decoder = new HpackDecoder();
  const line = (bytes: string) => decodeBlock(decoder, hex(bytes));
  assert.deepEqual(line('400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572'), [
    'custom-key: custom-header',
  ]);
  assert.deepEqual(line('040c 2f73 616d 706c 652f 7061 7468'), [':path: /sample/path']);
  assert.deepEqual(line('1008 7061 7373 776f 7264 0673 6563 7265 74'), ['password: secret']);
  assert.deepEqual(line('82'), [':method: GET']);
  assert.deepEqual(line('be'), ['custom-key: custom-header'], 'only the first of them was put into the table');
  assert.equal(line('bf'), null);
});

test('indices and integers out of range, and size updates out of place, are malformed', () => {
  for (const bytes of [
    '80',
    'be',
    'ffffffffffffff0f',
    'ff80808080808080',
    '7f00',
    '3fe21f',
    '8220',
    '0005 6162',
    '00',
    '0081',
  ]) {
    assert.equal(decodeBlock(new HpackDecoder(), hex(bytes)), null, bytes);
  }
});

test('a string of 65536 octets is taken, a longer one is malformed before it has come', () => {
  const field = (n: number) => Buffer.concat([hex('0001 61'), integerAfter7(n), Buffer.alloc(n, 120)]);
  assert.equal(decodeBlock(new HpackDecoder(), field(65536))?.[0].length, 65536 + 3);
  const decoder = new HpackDecoder();
  decoder.begin();
  const start = Buffer.concat([hex('0001 61'), integerAfter7(65537)]);
  assert.equal(decoder.decode(start, 0, start.length, false, null), MALFORMED);
});

function integerAfter7(value: number): Buffer {
  const bytes = [127];
  for (value -= 127; value >= 128; value >>= 7) bytes.push((value & 127) | 128);
  return Buffer.from([...bytes, value]);
}

test('a lowered table limit must be answered by a size update at the start of the next block', () => {
  const decoder = new HpackDecoder();
  decoder.setLimit(100);
  assert.equal(decodeBlock(decoder, hex('82')), null);
  const obedient = new HpackDecoder();
  obedient.setLimit(100);
  assert.deepEqual(decodeBlock(obedient, hex('3f45 82')), [':method: GET']);
});

test('a field larger than the table empties it and still counts', () => {
  const decoder = new HpackDecoder();
  assert.deepEqual(decodeBlock(decoder, hex('3f09 4001 6101 62')), ['a: b']);
  assert.deepEqual(decodeBlock(decoder, hex('be')), ['a: b']);
  assert.deepEqual(decodeBlock(decoder, Buffer.concat([hex('4001 611e'), Buffer.alloc(30, 120)])), [
    `a: ${'x'.repeat(30)}`,
  ]);
  assert.equal(decodeBlock(decoder, hex('be')), null);
});

/** A vocabulary that repeats: names and values come back, as in traffic. */
class Speech {
  private readonly names: string[] = [];
  private readonly values: string[] = [];
  constructor(private readonly random: Random) {
    for (let i = 0; i < 12; i++) this.names.push(`x-${this.word(1 + (random.u32() % 20))}`);
    this.names.push('authorization', 'cookie', 'content-length', 'user-agent', 'via', 'accept-encoding', 'accept');
    for (let i = 0; i < 30; i++) this.values.push(this.word(random.u32() % 60));
    this.values.push('', 'gzip, deflate', 'x'.repeat(200), 'y'.repeat(4000));
  }
  private word(n: number): string {
    let out = '';
    while (out.length < n) out += String.fromCharCode(97 + (this.random.u32() % 26));
    return out;
  }
  pick(list: readonly string[]): string {
    return list[this.random.u32() % list.length];
  }
  line(): [string, string] {
    // Some names hardly ever repeat a value.
    const at = this.random.u32() % this.names.length;
    const fresh = at % 4 === 0 ? this.random.u32() % 10 !== 0 : this.random.u32() % 4 === 0;
    return [this.names[at], fresh ? this.word(this.random.u32() % 40) : this.pick(this.values)];
  }
}

test('whatever the encoder writes the decoder reads, through table changes and any split of the octets', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = seededRandom(seed);
    const speech = new Speech(random);
    const encoder = new HpackEncoder([4096, 256, 65536, 0][seed % 4]);
    const decoder = new HpackDecoder();
    decoder.setLimit(65536);
    for (let round = 0; round < 120; round++) {
      if (random.u32() % 20 === 0) encoder.setPeerLimit([0, 64, 300, 4096, 1 << 20][random.u32() % 5]);
      const map = new Trailers();
      for (let n = random.u32() % 9; n > 0; n--) {
        const [name, value] = speech.line();
        map.push(headerName(name), value);
      }
      // Room for little: the block has to move now and then.
      const buf = Buffer.alloc(40 + (random.u32() % 9000));
      encoder.begin(buf, 5, buf.length);
      encoder.fields(map);
      const bytes = Buffer.from(encoder.buf.subarray(encoder.start, encoder.at));
      const lines: string[] = [];
      const sink = {
        onField(field: { name: { text: string }; value: string }) {
          lines.push(`${field.name.text}: ${field.value}`);
          return true;
        },
      };
      decoder.begin();
      let rest = Buffer.alloc(0);
      for (let at = 0; at < bytes.length || at === 0; ) {
        const n = 1 + (random.u32() % 60);
        const piece = Buffer.concat([rest, bytes.subarray(at, at + n)]);
        at += n;
        const next = decoder.decode(piece, 0, piece.length, at >= bytes.length, sink);
        assert.ok(next >= 0, `seed ${seed} round ${round}: ${next}`);
        rest = piece.subarray(next);
        if (bytes.length === 0) break;
      }
      assert.equal(rest.length, 0);
      assert.deepEqual(
        lines,
        map.names.map((name, i) => `${name.text}: ${map.values[i]}`),
      );
    }
  }
});

test('random octets never throw, and leave a decoder that answers', () => {
  const random = seededRandom(3);
  for (let i = 0; i < 20000; i++) {
    const decoder = new HpackDecoder();
    for (let k = 0; k < 3; k++) {
      const bytes = Buffer.from(Array.from({ length: random.u32() % 40 }, () => random.u32() & (k === 1 ? 127 : 255)));
      if (decodeBlock(decoder, bytes) === null) break;
    }
  }
});

test('secrets are never indexed: authorization, and cookies short enough to guess', () => {
  const encoder = new HpackEncoder(4096);
  const bytes = (name: string, value: string) => {
    const buf = Buffer.alloc(400);
    encoder.begin(buf, 0, buf.length);
    encoder.put(headerName(name), value);
    return buf.subarray(0, encoder.at);
  };
  for (let i = 0; i < 3; i++) {
    assert.equal(bytes('authorization', 'Bearer x')[0] & 0xf0, 0x10);
    assert.equal(bytes('cookie', 'a=b')[0] & 0xf0, 0x10);
  }
  const long = `a=${'b'.repeat(30)}`;
  assert.equal(bytes('cookie', long)[0] & 0xc0, 0x40);
  assert.equal(bytes('cookie', long).length, 1);
});

test('a repeated line costs one octet, a path is never indexed', () => {
  const encoder = new HpackEncoder(4096);
  const request = new RequestHeaders();
  request.method = 'GET';
  request.path = '/some/path?x=1';
  request.scheme = 'https';
  request.authority = 'a.test';
  request.push(headerName('user-agent'), 'test/1.0');
  const buf = Buffer.alloc(400);
  encoder.begin(buf, 0, buf.length);
  encoder.request(request);
  encoder.begin(buf, 0, buf.length);
  encoder.request(request);
  const path = 13;
  assert.equal(encoder.at, 1 + path + 1 + 1 + 1, 'authority, path, method, scheme, user-agent');
});

test('a value that changes every time stops filling the table, and is indexed again when it comes twice', () => {
  const encoder = new HpackEncoder(4096);
  const buf = Buffer.alloc(400);
  const first = (name: string, value: string) => {
    encoder.begin(buf, 0, buf.length);
    encoder.put(headerName(name), value);
    return buf[0];
  };
  first('x-still', 'same');
  for (let i = 0; i < 8; i++) assert.equal(first('x-moves', `v${i}`) & 0xc0, 0x40, 'indexed at first');
  for (let i = 0; i < 500; i++) assert.equal(first('x-moves', `w${i}`) & 0xf0, 0, 'literal from then on');
  assert.ok(first('x-still', 'same') >= 0x80, 'the steady one is still in the table');
  first('x-moves', 'steady');
  assert.equal(first('x-moves', 'steady') & 0xc0, 0x40, 'twice in a row: indexed');
  assert.ok(first('x-moves', 'steady') >= 0x80);
});

test('pseudo-headers go out in the order the client sent them, and in that of HTTP/1 when it sent none', () => {
  const names = (order: number) => {
    const request = new RequestHeaders();
    request.method = 'PUT';
    request.path = '/p';
    request.scheme = 'http';
    request.authority = 'a';
    request.pseudoOrder = order;
    const encoder = new HpackEncoder(4096);
    const buf = Buffer.alloc(200);
    encoder.begin(buf, 0, buf.length);
    encoder.request(request);
    return decodeBlock(new HpackDecoder(), buf.subarray(0, encoder.at))?.map((line) =>
      line.slice(0, line.indexOf(':', 1)),
    );
  };
  assert.deepEqual(names(0), [':authority', ':path', ':method', ':scheme']);
  assert.deepEqual(names(0o4231), [':method', ':scheme', ':path', ':authority']);
  assert.deepEqual(
    names(0o231),
    [':method', ':scheme', ':path', ':authority'],
    'what is not in the order comes after it',
  );
});
