/** What all sessions of one reactor share. */

import type { LogLevel } from '../config/types.js';
import { formatTarget, type Target } from '../net/target.js';
import type { Reactor } from '../reactor/reactor.js';
import { BlockPool, BlockPools } from './block-pool.js';
import { Counters } from './counters.js';
import { type Member, MemberList } from './member-list.js';
import { newPacketCounters, type PacketCounters } from './packet-counters.js';
import { PacketWorkspace } from './packet-workspace.js';
import type { Status } from './status.js';
import { MEDIUM_OUTPUT_SIZE, OUTPUT_SIZE, SMALL_OUTPUT_SIZE, Workspace } from './workspace.js';

export type LogFields = Readonly<Record<string, string | number | boolean>>;

/** Where log lines of a reactor go. `enabled` is asked first, so that a quiet program makes no lines. */
export interface Log {
  enabled(level: LogLevel): boolean;
  write(level: Exclude<LogLevel, 'silent'>, message: string, fields: LogFields): void;
}

/**
 * What one reactor may keep of large sends that were not taken: 490 connections that stall at full speed. Past that connections read one chunk
 * at a time, whose rest fits a small block. Pages cost memory once they are written.
 */
export const LARGE_BLOCKS_BYTES = 256 * 1024 * 1024;
/** A few blocks, so that a connection which stalls again and again does not ask the system each time. */
const LARGE_SLAB_BYTES = 4 * 1024 * 1024;
/**
 * Likewise of rests of up to four chunks, and of incomplete chunks of the 2022 edition, which are as long: some 4,000 of them; then as with
 * the large ones.
 */
export const MEDIUM_BLOCKS_BYTES = 256 * 1024 * 1024;
/** Likewise of rests of at most a chunk, and of incomplete chunks: some 15,000 of them; past all of these the one which needs a block ends. */
export const SMALL_BLOCKS_BYTES = 256 * 1024 * 1024;

/** A session, as far as its reactor's owner must know it: to end it when the program stops. */
export interface Session {
  readonly member: Member<Session>;
  /** Ends it now. Idempotent, never throws. */
  destroy(status: Status): void;
}

/** What the counters and the log learn of a session at its end. */
export interface SessionFacts {
  /** The peer that was accepted; empty where nobody reads the log. */
  readonly client: string;
  readonly target: Target | undefined;
  /** A word on the status, where there is more to say; empty otherwise. */
  readonly reason: string;
  /** On the reactor's clock. */
  readonly startMs: number;
  /** Whose key the client used, where the port has several. */
  readonly user?: string | undefined;
  /** Payload bytes from the client to the target, and back. */
  readonly up: number;
  readonly down: number;
}

/** A connection whose client is not known yet. */
export interface Handshake {
  readonly handshakeMember: Member<Handshake>;
  /** Ends it by FIN at once. */
  finish(): void;
}

/** A connection that is only read and discarded any more. */
export interface DrainingConnection {
  /** Of those that drain, then of those that finish. */
  readonly member: Member<DrainingConnection>;
  /** Ends it by FIN at once. */
  finish(): void;
  /** Closes it now. Never throws. */
  destroy(): void;
}

/**
 * Connections of unknown clients, silent or found out, past these make the oldest one go: probes are cheap to make, so they must stay cheap to
 * hold. Finished ones likewise.
 */
export const MAX_DRAINING = 4096;

export class RelayContext {
  readonly reactor: Reactor;
  readonly log: Log;
  readonly workspace = new Workspace();
  readonly largeBlocks = new BlockPool(OUTPUT_SIZE, LARGE_BLOCKS_BYTES, LARGE_SLAB_BYTES);
  readonly mediumBlocks = new BlockPool(MEDIUM_OUTPUT_SIZE, MEDIUM_BLOCKS_BYTES);
  readonly smallBlocks = new BlockPool(SMALL_OUTPUT_SIZE, SMALL_BLOCKS_BYTES);
  readonly blocks = new BlockPools([this.smallBlocks, this.mediumBlocks, this.largeBlocks]);
  readonly sessions = new MemberList<Session>();
  readonly handshakes = new MemberList<Handshake>();
  readonly draining = new MemberList<DrainingConnection>();
  /** Our FIN has gone, the peer's is awaited for some seconds. */
  readonly finishing = new MemberList<DrainingConnection>();
  readonly counters = new Counters();
  readonly packetCounters: PacketCounters = newPacketCounters();
  #packets: PacketWorkspace | undefined = undefined;
  readonly idleTimeoutMs: number;
  /** 0: no keep-alive. */
  readonly keepAliveMs: number;
  /** Called after each session's end, so that a draining program sees the last one go. */
  onSessionEnd: () => void = () => {};

  constructor(reactor: Reactor, log: Log, idleTimeoutMs: number, keepAliveMs = 0) {
    this.reactor = reactor;
    this.log = log;
    this.idleTimeoutMs = idleTimeoutMs;
    this.keepAliveMs = keepAliveMs;
  }

  /** Made by the first who carries UDP. */
  get packets(): PacketWorkspace {
    this.#packets ??= new PacketWorkspace(this.packetCounters);
    return this.#packets;
  }

  begin(session: Session): void {
    this.sessions.add(session.member);
    this.counters.connections++;
    this.counters.active++;
  }

  /** Counts and logs a session, once. */
  end(session: Session, status: Status, facts: SessionFacts): void {
    if (!this.sessions.delete(session.member)) return;
    this.counters.count(status, facts.up, facts.down, facts.user);
    if (this.log.enabled('info')) {
      this.log.write('info', 'connection', {
        client: facts.client,
        ...(facts.user === undefined ? {} : { user: facts.user }),
        target: facts.target === undefined ? '' : formatTarget(facts.target),
        status,
        reason: facts.reason,
        up: facts.up,
        down: facts.down,
        ms: Math.round(this.reactor.nowMs - facts.startMs),
      });
    }
    this.onSessionEnd();
  }

  /** A handler threw: a bug, whose stack somebody must see. */
  reportBug(error: unknown): void {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.log.write('error', 'a session failed', { error: stack });
  }

  beginHandshake(handshake: Handshake): void {
    this.#makeRoom();
    this.handshakes.add(handshake.handshakeMember);
  }

  /** It is over, one way or another. Idempotent. */
  endHandshake(handshake: Handshake): void {
    this.handshakes.delete(handshake.handshakeMember);
  }

  beginDraining(connection: DrainingConnection): void {
    this.#makeRoom();
    this.draining.add(connection.member);
  }

  /** Those that have been found out go first: a silent one may be a client yet. */
  #makeRoom(): void {
    if (this.handshakes.size + this.draining.size < MAX_DRAINING) return;
    if (this.draining.size > 0) this.draining.oldest?.finish();
    else this.handshakes.oldest?.finish();
  }

  /** It has sent its FIN: it is not held any more, and ends by itself soon. */
  beginFinishing(connection: DrainingConnection): void {
    this.draining.delete(connection.member);
    if (this.finishing.size >= MAX_DRAINING) {
      this.finishing.oldest?.destroy();
    }
    this.finishing.add(connection.member);
  }

  /** It is closed. */
  forgetDraining(connection: DrainingConnection): void {
    this.draining.delete(connection.member);
    this.finishing.delete(connection.member);
  }

  /** Closes all of them now. */
  endDraining(): void {
    for (const connection of [...this.draining.all(), ...this.finishing.all()]) connection.destroy();
  }

  release(): void {
    this.#packets?.release();
    this.workspace.release();
    this.largeBlocks.release();
    this.mediumBlocks.release();
    this.smallBlocks.release();
  }
}
