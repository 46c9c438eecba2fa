/** SHA-1 of messages of two blocks: several at once, and one by one, against node:crypto's. */

import { createHash, randomBytes } from 'node:crypto';
import { expect } from 'chai';
import {
  padSecondBlock,
  SHA1_BLOCK_LENGTH,
  SHA1_DIGEST_LENGTH,
  SHA1_LANES,
  Sha1Block,
  Sha1Lanes,
} from '../../../native-bindings/sha1.js';

const LONGEST_END = 55;

/** The digest of a lane, as bytes. */
function digestOf(sha1: Sha1Lanes, lane: number): Buffer {
  const digest = Buffer.alloc(SHA1_DIGEST_LENGTH);
  for (let i = 0; i < SHA1_DIGEST_LENGTH / 4; i++) digest.writeInt32BE(sha1.state[i * SHA1_LANES + lane], 4 * i);
  return digest;
}

function sha1Of(text: Uint8Array): Buffer {
  return createHash('sha1').update(text).digest();
}

describe('SHA-1 of two blocks', () => {
  const sha1 = new Sha1Lanes(2);

  /** Lays a text that ends in the second block. */
  function lay(message: number, lane: number, text: Uint8Array): void {
    const at = sha1.messageAt(message, lane);
    text.forEach((byte, i) => {
      sha1.messages.setUint8(at + i, byte);
    });
    padSecondBlock(sha1.messages, at + SHA1_BLOCK_LENGTH, text.length - SHA1_BLOCK_LENGTH);
  }

  for (let count = 1; count <= SHA1_LANES; count++) {
    it(`is right for ${count} at once, and leaves the other message alone`, () => {
      for (let end = 0; end <= LONGEST_END; end += 5) {
        const texts = Array.from({ length: count }, () => randomBytes(SHA1_BLOCK_LENGTH + end));
        const others = texts.map(() => randomBytes(SHA1_BLOCK_LENGTH + 9));
        texts.forEach((text, lane) => {
          lay(0, lane, text);
          lay(1, lane, others[lane]);
        });
        for (const [message, expected] of [texts, others, texts].entries()) {
          sha1.hash(message % 2, count);
          expected.forEach((text, lane) => {
            expect(digestOf(sha1, lane).equals(sha1Of(text)), `lane ${lane}, end ${end}`).to.equal(true);
          });
        }
      }
    });
  }

  it('keeps no digest that was wiped', () => {
    sha1.hash(0, SHA1_LANES);
    sha1.wipeState();
    expect(sha1.state.every((word) => word === 0)).to.equal(true);
  });

  it('goes on from the state that a block has left', () => {
    const block = new Sha1Block();
    const text = randomBytes(SHA1_BLOCK_LENGTH + 20);
    for (let i = 0; i < SHA1_BLOCK_LENGTH; i++) block.block.setUint8(i, text[i]);
    const state = new Int32Array(5);
    block.begin(state);
    for (let i = 0; i < 20; i++) block.block.setUint8(i, text[SHA1_BLOCK_LENGTH + i]);
    padSecondBlock(block.block, 0, 20);
    const digest = new Int32Array(5);
    for (let i = 0; i < 2; i++) block.goOn(state, digest);
    const bytes = Buffer.alloc(SHA1_DIGEST_LENGTH);
    digest.forEach((word, i) => {
      bytes.writeInt32BE(word, 4 * i);
    });
    expect(bytes.equals(sha1Of(text))).to.equal(true);
  });
});
