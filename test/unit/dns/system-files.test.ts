import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { lookUpHosts } from '../../../src/dns/hosts.js';
import { SystemFiles } from '../../../src/dns/system-files.js';
import { formatIpAddress } from '../../../src/net/ip-address.js';

describe('the files of the system', () => {
  let directory: string;
  let hostsPath: string;
  let resolvConfPath: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'umbra-files-'));
    hostsPath = join(directory, 'hosts');
    resolvConfPath = join(directory, 'resolv.conf');
    writeFileSync(hostsPath, '192.0.2.7 router.example\n');
    writeFileSync(resolvConfPath, 'nameserver 192.0.2.1\n');
  });

  afterEach(() => rmSync(directory, { recursive: true }));

  const router = (files: SystemFiles): string[] | undefined =>
    lookUpHosts(files.hosts, 'router.example')?.map(formatIpAddress);
  const servers = (files: SystemFiles): string[] =>
    files.resolvConf.servers.map(({ address }) => formatIpAddress(address));

  it('count as empty where a path leads in a circle, at the start and later', () => {
    const circle = join(directory, 'circle');
    symlinkSync(circle, circle);
    const files = new SystemFiles(join(circle, 'hosts'), circle, 0);
    expect([router(files), servers(files)]).to.deep.equal([undefined, ['127.0.0.1']]);

    const good = new SystemFiles(hostsPath, resolvConfPath, 0);
    expect([router(good), servers(good)]).to.deep.equal([['192.0.2.7'], ['192.0.2.1']]);
    for (const path of [hostsPath, resolvConfPath]) {
      renameSync(path, `${path}.kept`);
      symlinkSync(path, path);
    }
    expect(good.refresh(5000)).to.equal(true);
    expect([router(good), servers(good)]).to.deep.equal([undefined, ['127.0.0.1']]);

    for (const path of [hostsPath, resolvConfPath]) renameSync(`${path}.kept`, path);
    expect(good.refresh(10_000)).to.equal(true);
    expect([router(good), servers(good)]).to.deep.equal([['192.0.2.7'], ['192.0.2.1']]);
  });

  it('count as empty where they are missing, or no files', () => {
    mkdirSync(join(directory, 'etc'));
    const files = new SystemFiles(join(directory, 'etc'), join(hostsPath, 'resolv.conf'), 0);
    expect([router(files), servers(files)]).to.deep.equal([undefined, ['127.0.0.1']]);
  });
});
