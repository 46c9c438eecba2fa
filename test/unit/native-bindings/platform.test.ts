/** The gate in front of koffi: who is let through, and the one sentence for everybody else. */

import { expect } from 'chai';
import {
  ARCHITECTURES,
  architecture,
  bind,
  koffi,
  requireArchitecture,
  requireKoffi,
} from '../../../native-bindings/platform.js';
import { UnsupportedPlatformError } from '../../../native-bindings/unsupported-platform.js';

describe('the platform', () => {
  for (const arch of ARCHITECTURES) {
    it(`may be Linux on ${arch}`, () => {
      expect(requireArchitecture('linux', arch)).to.equal(arch);
    });
  }

  it('is this one', () => {
    expect(architecture).to.equal(process.arch);
  });

  for (const platform of ['darwin', 'win32', 'freebsd']) {
    it(`may not be ${platform}`, () => {
      expect(() => requireArchitecture(platform, 'x64')).to.throw(
        UnsupportedPlatformError,
        new RegExp(`^umbra needs Linux \\(it is built on epoll\\); this is ${platform}\\.$`),
      );
    });
  }

  for (const arch of ['ia32', 'arm', 's390x', 'riscv64', '']) {
    it(`may not be Linux on ${JSON.stringify(arch)}`, () => {
      expect(() => requireArchitecture('linux', arch)).to.throw(
        UnsupportedPlatformError,
        new RegExp(`^umbra runs on x64 and arm64; this Node\\.js is built for ${arch}\\.$`),
      );
    });
  }

  it('needs koffi, and says in one line how to get it', () => {
    const failing = (name: string): unknown => {
      throw new Error(`Cannot find module '${name}'\nRequire stack:\n- somewhere`);
    };
    expect(() => requireKoffi(failing)).to.throw(
      UnsupportedPlatformError,
      /^umbra needs the koffi package .* \(Cannot find module 'koffi'\): run "npm install" in umbra's folder\.$/,
    );
    // What is thrown need not be an Error.
    const refusing = (): unknown => AbortSignal.abort('no binary').throwIfAborted();
    expect(() => requireKoffi(refusing)).to.throw(UnsupportedPlatformError, '(no binary)');
  });

  it('gives koffi as it was loaded', () => {
    expect(requireKoffi((name) => (name === 'koffi' ? koffi : undefined))).to.equal(koffi);
  });

  it('binds symbols of libc, and says which one is missing', () => {
    expect(bind('getpid', 'int', [])()).to.equal(process.pid);
    expect(() => bind('umbra_no_such_symbol', 'int', [])).to.throw('umbra_no_such_symbol');
  });
});
