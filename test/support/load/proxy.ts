/** A client or a server of umbra as a process of its own that is told over IPC what to do; so that its memory and time are its own. */

import type { LocalSettings, ServerSettings } from '../../../src/config/types.js';
import { type Running, type Statistics, startLocal, startServer } from '../../../src/umbra.js';

export type ProxyTask =
  | { readonly mode: 'local'; readonly settings: Partial<LocalSettings> & Pick<LocalSettings, 'servers'> }
  | { readonly mode: 'server'; readonly settings: Partial<ServerSettings> & Pick<ServerSettings, 'listen'> };

export type ProxyCommand = { readonly kind: 'start'; readonly task: ProxyTask } | { readonly kind: 'statistics' };

export interface ProxyStarted {
  readonly ports: readonly number[];
}

let running: Running | undefined;
const messages: string[] = [];

async function start(task: ProxyTask): Promise<ProxyStarted> {
  const options = {
    logLevel: 'warn',
    onLog: ({ message }: { readonly message: string }) => messages.push(message),
  } as const;
  running =
    task.mode === 'local' ? await startLocal(task.settings, options) : await startServer(task.settings, options);
  return { ports: running.addresses.map(({ port }) => port) };
}

/** @returns counters, and the messages of log lines since the last time */
async function statistics(): Promise<Statistics & { readonly messages: readonly string[] }> {
  if (running === undefined) throw new Error('not started');
  return { ...(await running.statistics()), messages: messages.splice(0) };
}

process.on('message', (command: ProxyCommand) => {
  const answer = command.kind === 'start' ? start(command.task) : statistics();
  answer.then(
    (value) => process.send?.(value),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
