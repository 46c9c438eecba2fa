/** What a log says of clocks that are wrong, and how often. */

import { expect } from 'chai';
import type { LogFields } from '../../../src/relay/context.js';
import { LoggingClock } from '../../../src/relay/wall-clock.js';
import { isTimely, secondsAhead, writeTime } from '../../../src/shadowsocks/aead-2022/time.js';
import { TestClock } from '../../support/aead-2022.js';

describe('the clock behind timestamps', () => {
  it('counts whole seconds', () => {
    const clock = new LoggingClock({ enabled: () => true, write() {} }, () => 1_700_000_000_999, performance.now);
    expect(clock.nowS()).to.equal(1_700_000_000);
  });

  it('tells the log whose clock is wrong and by how much, once a minute', () => {
    const lines: { readonly message: string; readonly fields: LogFields }[] = [];
    let nowMs = 5;
    const log = {
      enabled: () => true,
      write: (_level: string, message: string, fields: LogFields) => lines.push({ message, fields }),
    };
    const clock = new LoggingClock(log, Date.now, () => nowMs);
    clock.handleSkew('client', -45);
    clock.handleSkew('client', -45);
    nowMs += 59_999;
    clock.handleSkew('client', -44);
    expect(lines).to.have.length(1);
    expect(lines[0].message).to.include("the client's clock").and.to.include('30 s');
    expect(lines[0].fields).to.deep.equal({ aheadSeconds: -45, alsoSince: 0 });
    nowMs += 1;
    clock.handleSkew('server', 100);
    expect(lines[1].message).to.include("the server's clock");
    expect(lines[1].fields).to.deep.equal({ aheadSeconds: 100, alsoSince: 2 });
  });
});

describe('timestamps', () => {
  it('are compared in both directions, at any distance', () => {
    const bytes = new Uint8Array(12);
    for (const stampS of [0, 1_700_000_000, 2 ** 32 - 1, 2 ** 32, 2 ** 33 + 7]) {
      writeTime(new TestClock(stampS), bytes, 3);
      for (const aheadS of [0, 1, -1, 30, -30, 31, -31, 1e9]) {
        const seen = secondsAhead(new TestClock(stampS - aheadS), bytes, 3);
        expect(seen).to.equal(aheadS);
        expect(isTimely(seen)).to.equal(Math.abs(aheadS) <= 30);
      }
    }
  });

  it('past all times are far away, and not wrapped around', () => {
    for (const hex of ['ffffffffffffffff', '8000000000000000', '0020000000000000']) {
      const seen = secondsAhead(new TestClock(), Buffer.from(hex, 'hex'), 0);
      expect(seen).to.be.greaterThan(1e12);
      expect(isTimely(seen)).to.equal(false);
    }
  });
});
