import { expect } from 'chai';

import { parseNameServers } from '../../../src/config/name-servers.js';

describe('the dns setting', () => {
  it('takes a list of addresses, ports and IPv6 included', () => {
    const { nameServers, isLater, problem } = parseNameServers(
      'udp://9.9.9.9, 1.1.1.1:5353,[2620:fe::fe]:53,2620:fe::9',
    );
    expect(nameServers).to.deep.equal(['9.9.9.9', '1.1.1.1:5353', '[2620:fe::fe]:53', '2620:fe::9']);
    expect([isLater, problem]).to.deep.equal([undefined, undefined]);
  });

  it('takes the interface of a link-local address', () => {
    expect(parseNameServers('fe80::1%wg_home, [fe80::1%2]:53')).to.deep.equal({
      nameServers: ['fe80::1%wg_home', '[fe80::1%2]:53'],
    });
  });

  it('takes the system and the well-known operators by name', () => {
    expect(parseNameServers('system')).to.deep.equal({ nameServers: [] });
    expect(parseNameServers('').nameServers).to.deep.equal([]);
    expect(parseNameServers('Quad9').nameServers).to.include('9.9.9.9');
    expect(parseNameServers('google').nameServers).to.have.length(4);
  });

  it('says of encrypted and TCP-only ones that they are not served yet', () => {
    for (const text of ['google_tls', 'cloudflare_https', 'tcp://1.1.1.1', 'tls://dns.google']) {
      expect(parseNameServers(text), text).to.deep.equal({ nameServers: [], isLater: true });
    }
  });

  it('refuses what is no address', () => {
    for (const text of ['dns.example', '1.1.1.1,', '1.1.1.1:99999', '1.1.1.1:0', 'fe80::1%', 'constructor']) {
      expect(parseNameServers(text).problem, text).to.match(/^must be "system"/);
    }
  });
});
