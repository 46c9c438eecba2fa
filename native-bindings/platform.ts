/**
 * The one place that loads koffi, and the gate in front of it: on a platform whose struct layouts are not known here, a raw address would
 * corrupt memory, so nothing below this file runs there.
 */

import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';
import { UnsupportedPlatformError } from './unsupported-platform.js';

/** The processor architectures whose kernel layouts `layouts.ts` knows. */
export const ARCHITECTURES = ['x64', 'arm64'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

/**
 * @param platform `process.platform`
 * @param arch `process.arch`
 * @throws UnsupportedPlatformError with a sentence that says what is needed
 */
export function requireArchitecture(platform: string, arch: string): Architecture {
  if (platform !== 'linux') {
    throw new UnsupportedPlatformError(`umbra needs Linux (it is built on epoll); this is ${platform}.`);
  }
  const known = ARCHITECTURES.find((candidate) => candidate === arch);
  if (known === undefined) {
    throw new UnsupportedPlatformError(
      `umbra runs on ${ARCHITECTURES.join(' and ')}; this Node.js is built for ${arch}.`,
    );
  }
  return known;
}

/**
 * @param load how to get the module; a parameter so that its absence can be tested
 * @throws UnsupportedPlatformError where koffi or its binary for this platform is missing
 */
export function requireKoffi(load: (name: string) => unknown): typeof Koffi {
  try {
    return load('koffi') as typeof Koffi;
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n', 1)[0] : String(error);
    throw new UnsupportedPlatformError(
      `umbra needs the koffi package and its binary for ${process.platform}-${process.arch}, which did not load ` +
        `(${reason}): run "npm install" in umbra's folder.`,
    );
  }
}

export const architecture = requireArchitecture(process.platform, process.arch);
export const koffi = requireKoffi(createRequire(import.meta.url));

/** The node executable's own symbols: libc, and the OpenSSL that it carries or is linked to. */
const executable = koffi.load(null);

/** A C function whose arguments are numbers only: descriptors, lengths, addresses. */
export type NumericFunction = (...args: number[]) => number;

/** Addresses go as plain numbers: user-space addresses are below 2^47, and a BigInt costs more in each call. */
export const ADDRESS = 'uintptr_t';

/**
 * Binds a C function.
 * @throws Error where the symbol does not exist
 */
export function bind(symbol: string, result: string, parameters: readonly string[]): NumericFunction {
  return executable.func(symbol, result, [...parameters]) as NumericFunction;
}

/** The address of a function, for C that calls it back; undefined where the symbol does not exist. */
export function symbolAddress(symbol: string): number | undefined {
  try {
    return Number(koffi.address(executable.symbol(symbol)));
  } catch {
    return undefined;
  }
}
