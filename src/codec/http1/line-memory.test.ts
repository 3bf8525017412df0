import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../base/random.js';
import { MessageHead } from './message-head.js';
import { WholeHeadReader } from './whole-head.js';

const LIMITS = { headBytes: 60 * 1024, headerCount: 100, enableTrailers: false, underscores: 'ALLOW' } as const;

function reader() {
  const head = new MessageHead(true, { ...LIMITS });
  const whole = new WholeHeadReader(head);
  return (text: string, more = '') => {
    const bytes = Buffer.from(text + more, 'latin1');
    const next = whole.request(bytes, 0, bytes.length);
    const { request } = head;
    if (next === 0) return null;
    const lines: string[] = [];
    for (let i = 0; i < request.size; i++) lines.push(`${request.names[i].text}: ${request.values[i]}`);
    const { method, target, contentLength, chunked, headerBytes } = head;
    const { authority } = request;
    return { next, method, target, authority, lines, contentLength, chunked, headerBytes };
  };
}

describe('a head after others on its connection', () => {
  it('is read as on a fresh one, whatever came before', () => {
    const random = seededRandom(7);
    const pick = <T>(list: readonly T[]): T => list[random.u32() % list.length];
    const names = ['Host', 'host', 'Accept', 'X-A', 'x-a', 'X-Longer', 'Content-Length', 'Transfer-Encoding', 'Cookie'];
    const values = [
      '',
      'a',
      'aa',
      'a b',
      'chunked',
      '5',
      '17',
      'v'.repeat(300),
      'a\tb',
      ' padded ',
      'x\u00e9',
      'bad\x01',
    ];
    const ends = [...Array<string>(24).fill('\r\n'), '\n', '\r\n folded\r\n', '\r\r\n', ''];
    const head = () => {
      let text = `${pick(['GET', 'GET', 'POST', 'PUT', 'NOPE'])} ${pick(['/', '/a', '/ab', '/\u00e9'])} HTTP/1.1\r\n`;
      for (let n = random.u32() % 6; n > 0; n--)
        text += `${pick(names)}:${pick(['', ' '])}${pick(values)}${pick(ends)}`;
      return `${text}\r\n`;
    };
    let read = 0;
    for (let connection = 0; connection < 300; connection++) {
      const used = reader();
      let text = head();
      for (let i = 0; i < 20; i++) {
        // Mostly the same again, or with one byte changed; sometimes cut, so that the line end's next byte is missing.
        const kind = random.u32() % 8;
        if (kind === 0) text = head();
        else if (kind === 1) {
          const at = random.u32() % text.length;
          text = text.slice(0, at) + pick(['x', ' ', '\r', '\n', ':', '7']) + text.slice(at + 1);
        }
        const cut = kind === 2 ? text.slice(0, random.u32() % text.length) : text;
        const more = pick(['', 'GET', ' x', '\r\n']);
        const expected = reader()(cut, more);
        assert.deepEqual(used(cut, more), expected, JSON.stringify(cut));
        if (expected !== null) read++;
      }
    }
    assert.ok(read > 1000, `only ${read} heads were readable`);
  });

  it('has a line that keeps changing read anew each time, and the others kept', () => {
    const used = reader();
    for (let i = 0; i < 50; i++) {
      const id = `id-${i % 3 === 0 ? 'same' : i}`;
      const got = used(`GET / HTTP/1.1\r\nHost: a\r\nX-Id: ${id}\r\nAccept: */*\r\n\r\n`);
      assert.deepEqual(got?.lines, [`x-id: ${id}`, 'accept: */*']);
      assert.equal(got?.authority, 'a');
    }
  });

  it('of more lines and bytes than are remembered is read all the same', () => {
    const used = reader();
    for (let i = 0; i < 3; i++) {
      const lines = Array.from({ length: 60 }, (_, n) => `x-${n}: ${'v'.repeat(n * 5)}${i === 2 ? 'w' : ''}`);
      assert.deepEqual(used(`GET / HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)?.lines, lines);
    }
  });
});
