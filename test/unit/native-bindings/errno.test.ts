/** Error numbers, their names, and the exception for calls that must not fail. */

import { expect } from 'chai';
import * as errno from '../../../native-bindings/errno.js';
import * as sockets from '../../../native-bindings/socket.js';

describe('errno', () => {
  it('has the numbers that Linux gives on both architectures', () => {
    const numbers = Object.fromEntries(Object.entries(errno).filter(([name]) => /^E[A-Z]+$/.test(name)));
    expect(numbers).to.include({
      EPERM: 1,
      ENOENT: 2,
      EINTR: 4,
      EBADF: 9,
      EAGAIN: 11,
      ENOMEM: 12,
      EEXIST: 17,
      EINVAL: 22,
      ENFILE: 23,
      EMFILE: 24,
      EPIPE: 32,
      EADDRINUSE: 98,
      ENETUNREACH: 101,
      ECONNABORTED: 103,
      ECONNRESET: 104,
      ENOBUFS: 105,
      ETIMEDOUT: 110,
      ECONNREFUSED: 111,
      EHOSTUNREACH: 113,
      EINPROGRESS: 115,
    });
    for (const [name, number] of Object.entries(numbers)) expect(errno.errnoName(number as number)).to.equal(name);
  });

  it('names what it does not know by its number', () => {
    expect(errno.errnoName(4095)).to.equal('E4095');
    expect(errno.errnoName(0)).to.equal('E0');
  });

  it('prefers the usual name where two share a number', () => {
    expect(errno.errnoName(errno.EAGAIN)).to.equal('EAGAIN');
  });

  it('turns −1 into a SysError with the call and the code, and passes the rest through', () => {
    expect(errno.checked('socket', 0)).to.equal(0);
    expect(errno.checked('socket', 17)).to.equal(17);
    try {
      sockets.close(1_000_000);
    } catch (error) {
      expect(error).to.be.instanceOf(errno.SysError);
      expect(error).to.include({ name: 'SysError', syscall: 'close', code: 'EBADF', errno: errno.EBADF });
      expect(String(error)).to.equal('SysError: close: EBADF');
      expect(errno.lastErrno()).to.equal(errno.EBADF);
      return;
    }
    expect.fail('close of a descriptor that does not exist was accepted');
  });
});
