import { expect } from 'chai';

import { MAX_WORKERS } from '../../../src/config/bounds.js';
import { ConfigError } from '../../../src/config/config-error.js';
import { type ParsedFile, parseFile } from '../../../src/config/parse-file.js';

function parse(text: string): ParsedFile {
  return parseFile('x.json', text);
}

function problemsOf(text: string): readonly string[] {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('a configuration file', () => {
  it('may have comments, trailing commas and a byte order mark', () => {
    const { config, warnings } = parse('\uFEFF{\n// one\n"server": "a", /* two */ "servers": [{"server": "b",},],\n}');
    expect(config).to.deep.equal({ server: 'a', servers: [{ server: 'b' }] });
    expect(warnings).to.deep.equal([]);
  });

  it('has numbers as strings too, and null for what is not set', () => {
    const { config } = parse('{"server_port": "8388", "timeout": "1.5", "password": null, "servers": [{"port": "1"}]}');
    expect(config).to.deep.equal({ server_port: 8388, timeout: 1.5, servers: [{ port: 1 }] });
    const counts = parse('{"workers": "2", "udp_max_associations": "9", "runtime": {"worker_count": "3"}}');
    expect(counts.config).to.deep.equal({ workers: 2, udp_max_associations: 9, runtime: { worker_count: 3 } });
    expect(problemsOf('{"workers": "2.5", "runtime": {"worker_count": "0"}}')).to.deep.equal([
      `x.json:1:13: "workers" must be a whole number from 1 to ${MAX_WORKERS}, not "2.5".`,
      `x.json:1:48: "runtime.worker_count" must be a whole number from 1 to ${MAX_WORKERS}, not "0".`,
    ]);
  });

  for (const [name, text, place] of [
    ['a missing comma', '{\n  "server": "a"\n  "server_port": 1\n}', 'x.json:3:3: a comma is missing'],
    ['a missing colon', '{"server" "a"}', 'x.json:1:11: a colon is missing'],
    ['a missing brace', '{"server": "a"', 'x.json:1:15: a closing } is missing'],
    ['text without quotes', '{\n"server": a}', 'x.json:2:11: this is not JSON'],
    ['an endless comment', '{} /* x', 'x.json:1:4: this comment has no end'],
    ['something after the end', '{}\n{}', 'x.json:2:1: nothing may follow'],
    ['an array', '[]', 'x.json:1:1: the configuration must be one JSON object'],
    ['nothing at all', '', 'x.json:1:1: a value is expected'],
  ]) {
    it(`with ${name} is refused with the place`, () => {
      const problems = problemsOf(text);
      expect(problems).to.have.length(1);
      expect(problems[0]).to.satisfy((problem: string) => problem.startsWith(place), problems[0]);
    });
  }

  it('with an unknown key is refused with the place and the nearest key', () => {
    expect(problemsOf('{\n  "server": "a",\n  "mehtod": "x"\n}')).to.deep.equal([
      'x.json:3:3: unknown key "mehtod" (did you mean "method"?).',
    ]);
    expect(problemsOf('{"frobnicate": 1}')).to.deep.equal(['x.json:1:2: unknown key "frobnicate".']);
    expect(problemsOf('{"servers": [{"local_port": 1}]}')).to.deep.equal([
      'x.json:1:15: unknown key "local_port" here (it belongs to the top level).',
    ]);
    expect(problemsOf('{"log": {"levle": 1}, "balancer": {"chek_interval": 1}}')).to.deep.equal([
      'x.json:1:10: unknown key "levle" (did you mean "level"?).',
      'x.json:1:36: unknown key "chek_interval" (did you mean "check_interval"?).',
    ]);
  });

  it('is not fooled by names that every object has', () => {
    expect(problemsOf('{"constructor": 1, "__proto__": {"toString": 1}}')).to.deep.equal([
      'x.json:1:2: unknown key "constructor".',
      'x.json:1:20: unknown key "__proto__".',
    ]);
  });

  it('with a key given twice is refused', () => {
    expect(problemsOf('{"server": "a",\n"server": "b"}')).to.deep.equal([
      'x.json:2:1: "server" is given twice: remove one of the two.',
    ]);
  });

  it('reports every mistake at once, in the order of the file', () => {
    const text =
      '{\n"mehtod": 1,\n"timeout": 0,\n"servers": [{"port": 65536}, 3],\n"locals": [],\n"no_delay": "yes",\n"x": 1}';
    expect(problemsOf(text).map((problem) => problem.split(': ')[0])).to.deep.equal([
      'x.json:2:1',
      'x.json:3:12',
      'x.json:4:22',
      'x.json:4:30',
      'x.json:5:11',
      'x.json:6:13',
      'x.json:7:1',
    ]);
  });

  it('says what was expected and what was found, but shows no secret', () => {
    expect(problemsOf('{"server_port": "http"}')).to.deep.equal([
      'x.json:1:17: "server_port" must be a port from 0 to 65535, not "http".',
    ]);
    expect(problemsOf('{"mode": "tcp"}')).to.deep.equal([
      'x.json:1:10: "mode" must be one of "tcp_only", "tcp_and_udp", "udp_only", not "tcp".',
    ]);
    expect(problemsOf('{"servers": [{"password": 4711}]}')).to.deep.equal([
      'x.json:1:27: "servers[0].password" must be a string of at least one character, not a number.',
    ]);
    expect(problemsOf('{"port_password": {"8388": 4711}}')[0]).not.to.include('4711');
  });

  it('warns of known keys that are not served yet, with their places', () => {
    const { warnings } = parse(
      '{\n"plugin": "v2ray",\n"servers": [{"acl": "a.acl"}],\n"locals": [{"tun_interface_name": "t"}],\n"reuse_port": true}',
    );
    expect(warnings).to.deep.equal([
      'x.json:2:1: "plugin" is not served yet and has no effect.',
      'x.json:3:14: "acl" is not served yet and has no effect.',
      'x.json:4:13: "tun_interface_name" is not served yet and has no effect.',
      'x.json:5:1: "reuse_port" is not served yet and has no effect.',
    ]);
  });

  it('is told what to do instead of an array of ports', () => {
    expect(problemsOf('{\n"server": "a",\n"server_port": [8388, 8389]\n}')).to.deep.equal([
      'x.json:3:16: "server_port" as an array is not served yet: give each port an entry of its own in "servers".',
    ]);
    expect(problemsOf('{"local_port": [1080]}')).to.deep.equal([
      'x.json:1:16: "local_port" must be a port from 0 to 65535, not an array.',
    ]);
  });

  it('does not warn where the value asks for what happens anyway', () => {
    expect(parse('{"fast_open": false, "reuse_port": false, "plugin": "", "acl": null}').warnings).to.deep.equal([]);
  });

  it('knows the place of a value, or of what is around it', () => {
    const parsed = parse('{\n  "servers": [\n    {"server": "a"}\n  ]\n}');
    expect(parsed.placeOf(['servers', 0, 'server'])).to.equal('x.json:3:16');
    expect(parsed.placeOf(['servers', 0, 'password'])).to.equal('x.json:3:5');
    expect(parsed.placeOf(['timeout'])).to.equal('x.json:1:1');
  });
});
