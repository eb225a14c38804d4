#!/usr/bin/env python3
"""The Compose files parse, and they, the image and the programs agree on flags, files, ports and users.

    files_test.py SOURCE_DIR BIN_DIR

No engine is needed: the step that makes keys runs as it does in its container, and each program checks the very
configuration that its container would give it (--check_config).
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import yaml

SOURCE = pathlib.Path(sys.argv[1])
BIN = pathlib.Path(sys.argv[2])
DEPLOY = SOURCE / 'deploy'
SERVICES = {'intake': 7001, 'routing': 7002, 'deadline-monitor': 7003, 'notification': 7004}
FILES = ['compose.yaml', 'compose.observe.yaml', 'compose.dev.yaml']
VARIABLE = re.compile(r'\$\{([A-Z_]+)(?:(:?-)([^}]*))?\}')


def interpolated(node, variables):
    """As Compose does it, after parsing, for the two forms in use."""
    if isinstance(node, dict):
        return {key: interpolated(value, variables) for key, value in node.items()}
    if isinstance(node, list):
        return [interpolated(item, variables) for item in node]
    if not isinstance(node, str):
        return node

    def value(match):
        name, operator, default = match.groups()
        given = variables.get(name)
        if given is None or operator == ':-' and not given:
            return default or ''
        return given
    return VARIABLE.sub(value, node)


def load(name, variables=None):
    return interpolated(yaml.safe_load((DEPLOY / name).read_text()), variables or {})


def documented():
    """Variables of .env.example with their defaults."""
    found = {}
    for line in (DEPLOY / '.env.example').read_text().split('\n'):
        if match := re.fullmatch(r'#?([A-Z_]+)=(.*)', line):
            found[match[1]] = match[2]
    return found


class Files(unittest.TestCase):
    maxDiff = None

    def test_every_variable_is_documented_with_its_default(self):
        used = {}
        for name in FILES:
            text = '\n'.join(l for l in (DEPLOY / name).read_text().split('\n') if not l.lstrip().startswith('#'))
            for variable, _, default in VARIABLE.findall(text):
                used.setdefault(variable, default)
                self.assertEqual(used[variable], default, f'{variable} has two defaults')
        stated = documented()
        own = {'COMPOSE_PROJECT_NAME', 'COMPOSE_FILE'}
        self.assertEqual(sorted(used), sorted(set(stated) - own))
        for variable, default in used.items():
            if default in ('/dev/null', 'trusted-keys', 'work'):
                default = ''  # stands for nothing given
            self.assertEqual(stated[variable], default, variable)

    def test_every_program_accepts_its_configuration(self):
        with tempfile.TemporaryDirectory() as directory:
            made = subprocess.run([DEPLOY / 'container/secrets', directory], capture_output=True, text=True)
            self.assertEqual(made.returncode, 0, made.stdout + made.stderr)
            for overlays in ([], ['compose.dev.yaml']):
                for service in SERVICES:
                    self.check_program(service, overlays, directory)

    def check_program(self, service, overlays, secrets):
        definition = load('compose.yaml')['services'][service]
        environment = dict(definition['environment'])
        for overlay in overlays:
            environment.update(load(overlay)['services'][service]['environment'])
        volumes = [v.split(':') for v in definition['volumes']]
        self.assertIn([f'{service}-secrets', '/secrets', 'ro'], volumes)

        def placed(text):
            text = text.replace('/secrets/', f'{secrets}/{service}/')
            for volume in volumes:
                if volume[0] == '/dev/null':
                    text = text.replace(volume[1], '/dev/null')
            return text
        command = [placed(word) for word in definition['command']]
        self.assertEqual(command[0], f'motcua-{service}')
        ran = subprocess.run([BIN / command[0], *command[1:], '--check_config'], capture_output=True, text=True,
                             env={'PATH': os.environ['PATH'], **{k: placed(str(v)) for k, v in environment.items()}})
        self.assertEqual(ran.returncode, 0, f'{service} {overlays}: {ran.stdout}{ran.stderr}')
        # What is set in the environment was really read, and not only passed over.
        for name in environment:
            if name.startswith('MOTCUA_') and environment[name] != '':
                flag = name.removeprefix('MOTCUA_').lower()
                self.assertRegex(ran.stdout, rf'(?m)^{flag}=.* \(environment\)$')

    def test_ports_agree(self):
        services = load('compose.yaml')['services']
        gateway = (DEPLOY / 'gateway/haproxy.cfg').read_text()
        exposed = re.findall(r'EXPOSE ([\d ]+)', (DEPLOY / 'Dockerfile').read_text())
        prometheus = (DEPLOY / 'prometheus/prometheus.yml').read_text()
        for service, port in SERVICES.items():
            definition = services[service]
            self.assertIn(f'--listen=0.0.0.0:{port}', definition['command'])
            self.assertEqual(definition['healthcheck']['test'], ['CMD', 'motcua', 'health', f'localhost:{port}'])
            self.assertRegex(gateway, rf'(?m)^listen {service}\n  bind :{port}\n  server-template replica \d+ {service}:{port}$')
            self.assertIn(str(port), exposed[-2].split())
            self.assertTrue(any(p.endswith(f':{port}') for p in services['gateway']['ports']))
            self.assertIn('9464', definition['environment']['MOTCUA_METRICS_LISTEN'])
            for peer in (word for word in definition['command'] if word.startswith('--peer=')):
                self.assertIn(peer.removeprefix('--peer='), [f'{s}={s}:{p}' for s, p in SERVICES.items()])
        self.assertEqual(set(re.findall(r'port: (\d+)', prometheus)), {'9464'})
        client = services['motcua']['environment']
        for name, service in [('INTAKE', 'intake'), ('ROUTING', 'routing'), ('DEADLINE', 'deadline-monitor'),
                              ('NOTIFICATION', 'notification')]:
            self.assertEqual(client[f'MOTCUA_{name}'], f'{service}:{SERVICES[service]}')

    def test_containers_are_safe_by_default(self):
        for name in FILES:
            for service, definition in load(name)['services'].items():
                if name == 'compose.dev.yaml':
                    self.assertEqual(set(definition), {'environment'})
                    continue
                with self.subTest(f'{name}: {service}'):
                    self.assertTrue(definition['read_only'])
                    self.assertEqual(definition['cap_drop'], ['ALL'])
                    self.assertIn('no-new-privileges:true', definition['security_opt'])
                    self.assertIn('max-size', definition['logging']['options'])
                    self.assertNotIn('privileged', definition)
                    for port in definition.get('ports', []):
                        self.assertTrue(port.startswith('127.0.0.1:'), f'published to everybody: {port}')
                    if definition.get('restart') == 'unless-stopped':
                        for limit in ('mem_limit', 'cpus', 'pids_limit', 'stop_grace_period'):
                            self.assertIn(limit, definition)
        self.assertNotIn('ports', load('compose.yaml')['services']['redis'])
        self.assertEqual(load('compose.yaml')['services']['redis']['networks'], ['store'])
        self.assertTrue(load('compose.yaml')['networks']['store']['internal'])
        dockerfile = (DEPLOY / 'Dockerfile').read_text()
        for stage in re.split(r'(?m)^FROM ', dockerfile)[1:]:
            if re.match(r'base AS (runtime|redis|gateway|prometheus)', stage):
                self.assertIn('\nUSER motcua\n', stage)

    def test_each_part_sees_its_own_keys_only(self):
        services = load('compose.yaml')['services']
        for service, definition in services.items():
            volumes = [v.split(':')[0] for v in definition.get('volumes', []) if '-secrets:' in v or v.startswith('authority:')]
            if service == 'secrets':
                self.assertIn('authority', volumes)
            elif service in ('reference', 'motcua'):
                self.assertEqual(volumes, ['client-secrets'])
            elif service in ('snapshot', 'redis'):
                self.assertEqual(volumes, ['redis-secrets'])
            else:
                self.assertEqual(volumes, [f'{service}-secrets'] if service in SERVICES else [])

    def test_version_is_the_sources(self):
        version = re.search(r'project\(motcua VERSION ([\d.]+)', (SOURCE / 'CMakeLists.txt').read_text())[1]
        for name in FILES:
            for default in re.findall(r'\$\{MOTCUA_VERSION:-([^}]*)\}', (DEPLOY / name).read_text()):
                self.assertEqual(default, version)


class Secrets(unittest.TestCase):
    def run_step(self, directory, **variables):
        return subprocess.run([DEPLOY / 'container/secrets', directory], capture_output=True, text=True,
                              env={'PATH': os.environ['PATH'], **variables})

    def snapshot(self, directory):
        return {str(p.relative_to(directory)): p.read_bytes() for p in pathlib.Path(directory).rglob('*') if p.is_file()}

    def test_running_again_keeps_everything(self):
        with tempfile.TemporaryDirectory() as directory:
            self.assertEqual(self.run_step(directory).returncode, 0)
            before = self.snapshot(directory)
            self.assertEqual(self.run_step(directory).returncode, 0)
            self.assertEqual(before, self.snapshot(directory))
            for path in pathlib.Path(directory).rglob('*'):
                self.assertEqual(path.stat().st_mode & 0o077, 0, f'{path} can be read by others')

    def test_other_host_names_make_other_certificates_of_the_same_authority(self):
        with tempfile.TemporaryDirectory() as directory:
            self.run_step(directory)
            before = self.snapshot(directory)
            ran = self.run_step(directory, MOTCUA_HOSTNAMES='motcua.example,192.0.2.7')
            self.assertEqual(ran.returncode, 0, ran.stderr)
            after = self.snapshot(directory)
            self.assertEqual(before['intake/ca.crt'], after['intake/ca.crt'])
            self.assertNotEqual(before['intake/tls.crt'], after['intake/tls.crt'])
            names = subprocess.run(['openssl', 'x509', '-noout', '-ext', 'subjectAltName', '-in', f'{directory}/intake/tls.crt'],
                                   capture_output=True, text=True).stdout
            for expected in ('DNS:motcua.example', 'IP Address:192.0.2.7', 'DNS:intake', 'DNS:localhost',
                             'URI:spiffe://motcua/svc/intake'):
                self.assertIn(expected, names)
            self.assertNotEqual(self.run_step(directory, MOTCUA_HOSTNAMES='bad name;x').returncode, 0)

    def test_without_own_tokens_only_the_given_keys_count(self):
        with tempfile.TemporaryDirectory() as directory, tempfile.TemporaryDirectory() as given:
            self.run_step(directory)
            refused = self.run_step(directory, MOTCUA_OWN_TOKENS='no', MOTCUA_TRUSTED_KEYS=given)
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn('no token would be accepted', refused.stderr)
            pathlib.Path(given, 'idp.pem').write_bytes(pathlib.Path(directory, 'intake/jwt/dev.pem').read_bytes())
            ran = self.run_step(directory, MOTCUA_OWN_TOKENS='no', MOTCUA_TRUSTED_KEYS=given)
            self.assertEqual(ran.returncode, 0, ran.stderr)
            self.assertEqual([p.name for p in pathlib.Path(directory, 'routing/jwt').iterdir()], ['idp.pem'])
            self.assertEqual(pathlib.Path(directory, 'client/signing.pem').read_bytes(), b'')
            self.assertEqual(self.run_step(directory).returncode, 0)
            self.assertEqual([p.name for p in pathlib.Path(directory, 'routing/jwt').iterdir()], ['dev.pem'])
            self.assertNotEqual(pathlib.Path(directory, 'client/signing.pem').read_bytes(), b'')


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1], verbosity=2)
