/**
 * Gets the other implementations that the interop tests run against: by apt-get where Debian has them, by cargo, go and pip where not. What was
 * built is kept in ~/.cache/umbra-peers. It says what it does, and ends with 1 where one of them cannot be had.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

const BUILT = join(homedir(), '.cache/umbra-peers');
/** Where the usual installers put toolchains, for a shell that does not know. */
const TOOLCHAINS = [join(homedir(), '.cargo/bin'), '/usr/local/go/bin'];
const PATH = [process.env['PATH'] ?? '', ...TOOLCHAINS].join(delimiter);
const PACKAGE_TIMEOUT_MS = 420_000;
const BUILD_TIMEOUT_MS = 1_200_000;

const PACKAGES = {
  dnsmasq: 'dnsmasq-base',
  dig: 'bind9-dnsutils',
  'ss-server': 'shadowsocks-libev',
  v2ray: 'v2ray',
  curl: 'curl',
  wget: 'wget',
  proxychains4: 'proxychains4',
  openssl: 'openssl',
};

/** Optimised enough to test against, and built in a third of the time. */
const CARGO_PROFILE = {
  CARGO_PROFILE_RELEASE_LTO: 'off',
  CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '16',
  CARGO_PROFILE_RELEASE_OPT_LEVEL: '1',
};
const RUST_VERSION = '1.25.0';
const RUST_FEATURES = [
  ...['local', 'server', 'local-tunnel', 'local-socks4'],
  ...['aead-cipher-2022', 'aead-cipher-extra', 'aead-cipher-2022-extra', 'stream-cipher'],
];
const SING_BOX_VERSION = '1.12.0';

const AIOQUIC_VERSION = '1.7.2';

let failed = false;
installPackages();
build(join(BUILT, 'shadowsocks-rust/bin/ssserver'), `shadowsocks-rust ${RUST_VERSION}`, CARGO_PROFILE, [
  ...['cargo', 'install', '--locked', '--root', join(BUILT, 'shadowsocks-rust'), '--version', RUST_VERSION],
  ...['shadowsocks-rust', '--no-default-features', '--features', RUST_FEATURES.join(' ')],
]);
build(join(BUILT, 'sing-box/sing-box'), `sing-box ${SING_BOX_VERSION}`, { GOBIN: join(BUILT, 'sing-box') }, [
  ...['go', 'install', `github.com/sagernet/sing-box/cmd/sing-box@v${SING_BOX_VERSION}`],
]);
installAioquic();
process.exitCode = failed ? 1 : 0;

function installPackages() {
  const missing = Object.entries(PACKAGES).filter(([program]) => !isThere(program));
  if (missing.length === 0) return;
  const names = missing.map(([, name]) => name);
  const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const apt = [...asRoot, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get'];
  process.stdout.write(`peers: installing ${names.join(', ')} (apt-get) …\n`);
  run([...apt, 'update', '-qq'], PACKAGE_TIMEOUT_MS, {});
  if (run([...apt, 'install', '-y', '-qq', '--no-install-recommends', ...names], PACKAGE_TIMEOUT_MS, {})) return;
  complain(`${names.join(', ')} could not be installed: install them by hand and run again.`);
}

/** QUIC in Python, in an environment of its own. */
function installAioquic() {
  const folder = join(BUILT, 'aioquic');
  if (existsSync(join(folder, 'installed'))) return;
  process.stdout.write(`peers: installing aioquic ${AIOQUIC_VERSION} (pip) …\n`);
  const made = run(['python3', '-m', 'venv', '--clear', folder], PACKAGE_TIMEOUT_MS, {});
  const pip = [join(folder, 'bin/pip'), '--quiet', '--disable-pip-version-check', 'install'];
  if (made && run([...pip, `aioquic==${AIOQUIC_VERSION}`], PACKAGE_TIMEOUT_MS, {})) {
    writeFileSync(join(folder, 'installed'), '');
    return;
  }
  complain('aioquic could not be installed: it needs python3 with venv (apt-get install python3-venv).');
}

function isThere(program) {
  return PATH.split(delimiter).some((folder) => existsSync(join(folder, program)));
}

function build(program, name, env, command) {
  if (existsSync(program)) return;
  const [tool] = command;
  if (!isThere(tool)) {
    complain(`${name} needs ${tool} to be built, which is not here: install it and run again.`);
    return;
  }
  process.stdout.write(`peers: building ${name} (${tool}; some minutes, once) …\n`);
  mkdirSync(BUILT, { recursive: true });
  if (!run(command, BUILD_TIMEOUT_MS, env)) complain(`${name} could not be built; what ${tool} said is above.`);
}

function run([program, ...args], timeout, env) {
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: homedir(),
    encoding: 'utf8',
    timeout,
    env: { ...process.env, PATH, ...env },
  });
  if (status !== 0) process.stderr.write(`${stdout}${stderr}`);
  return status === 0;
}

function complain(sentence) {
  process.stderr.write(`peers: ${sentence}\n`);
  failed = true;
}
