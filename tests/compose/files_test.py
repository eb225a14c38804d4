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
FILES = ['compose.yaml', 'compose.observe.yaml', 'compose.ha.yaml', 'compose.dev.yaml']
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
            for overlays in ([], ['compose.dev.yaml'], ['compose.ha.yaml']):
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
                if name != 'compose.yaml' and service in load('compose.yaml')['services']:
                    # An overlay adds to what compose.yaml makes safe, and takes nothing away.
                    self.assertLessEqual(set(definition),
                                         {'environment', 'depends_on', 'volumes', 'extra_hosts', 'networks'})
                    self.assertLessEqual(set(definition.get('networks', [])), {'store'})
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
        stores = {'redis': load('compose.yaml')['services']['redis']}
        stores.update({s: d for s, d in load('compose.ha.yaml')['services'].items() if re.match('(redis|sentinel)-', s)})
        self.assertEqual(len(stores), 6)
        for service, definition in stores.items():
            self.assertNotIn('ports', definition, service)
            self.assertEqual(list(definition['networks']), ['store'], service)
        self.assertTrue(load('compose.yaml')['networks']['store']['internal'])
        dockerfile = (DEPLOY / 'Dockerfile').read_text()
        for stage in re.split(r'(?m)^FROM ', dockerfile)[1:]:
            if re.match(r'base AS (runtime|redis|gateway|prometheus)', stage):
                self.assertIn('\nUSER motcua\n', stage)

    def test_each_part_sees_its_own_keys_only(self):
        services = load('compose.yaml')['services']
        further = load('compose.ha.yaml')['services']
        both = {s: {'volumes': services.get(s, {}).get('volumes', []) + further.get(s, {}).get('volumes', [])}
                for s in services.keys() | further.keys()}
        for service, definition in both.items():
            volumes = [v.split(':')[0] for v in definition.get('volumes', []) if '-secrets:' in v or v.startswith('authority:')]
            if service == 'secrets':
                self.assertIn('authority', volumes)
            elif service in ('reference', 'motcua'):
                self.assertEqual(volumes, ['client-secrets'])
            elif service == 'snapshot' or re.fullmatch(r'redis(-\d)?|sentinel-\d', service):
                self.assertEqual(volumes, ['redis-secrets'])
            else:
                self.assertEqual(volumes, [f'{service}-secrets'] if service in SERVICES else [])

    def test_several_servers_agree_on_each_other(self):
        services = load('compose.ha.yaml')['services']
        nodes = {'redis', 'redis-2', 'redis-3'}
        sentinels = {f'sentinel-{i}' for i in (1, 2, 3)}
        named = ','.join(sorted(sentinels))
        loaded = {v.split(':')[0]: v.split(':')[1] for v in services['load']['volumes']}
        image = (DEPLOY / 'Dockerfile').read_text()
        addresses = {s: services[s]['networks']['store']['ipv4_address'] for s in nodes | sentinels}
        self.assertEqual(len(set(addresses.values())), 6)
        for service in [*nodes, *sentinels, *SERVICES, 'snapshot']:
            # Known without anybody's answer, also while the container is away.
            self.assertEqual(services[service]['extra_hosts'], addresses, service)
        for service in nodes | sentinels:
            environment = services[service]['environment']
            self.assertEqual(environment['MOTCUA_NODE'], service)
            self.assertEqual(environment['MOTCUA_SENTINELS'], named)
            self.assertEqual(set(services[service]['depends_on']) - {'secrets'}, sentinels if service in nodes else set())
            if service != 'redis':
                # Its data are its own, and a restore takes them away, into a directory that is there and may be written.
                self.assertEqual(services[service]['volumes'][0], f'{service}-data:/data')
                self.assertEqual(loaded.pop(f'{service}-data'), f'/others/{service}')
                self.assertIn(f' /others/{service}', image)
        self.assertEqual(loaded, {})
        for service in sentinels:
            self.assertEqual(services[service]['environment']['MOTCUA_FIRST_PRIMARY'], 'redis')
        self.assertEqual(services['snapshot']['environment']['MOTCUA_SENTINELS'], named)
        for service in SERVICES:
            # More than one server has what is acknowledged, and fewer than all need be there for it.
            self.assertEqual(services[service]['environment'],
                             {'MOTCUA_REDIS': f'sentinel://motcua@{named}', 'MOTCUA_MIN_REPLICAS': '1'})
            self.assertEqual(set(services[service]['depends_on']), nodes - {'redis'})

    def test_version_is_the_sources(self):
        version = re.search(r'project\(motcua VERSION ([\d.]+)', (SOURCE / 'CMakeLists.txt').read_text())[1]
        for name in FILES:
            for default in re.findall(r'\$\{MOTCUA_VERSION:-([^}]*)\}', (DEPLOY / name).read_text()):
                self.assertEqual(default, version)


class Sentinels(unittest.TestCase):
    """What deploy/container/redis asks before it starts, of Sentinels that say what the test wants."""

    FUNCTIONS = DEPLOY / 'container/sentinels.sh'

    def ask(self, directory, function, answers):
        """Runs a function; `answers`: by Sentinel and question, what redis-cli prints; none = it does not answer."""
        directory = pathlib.Path(directory)
        (directory / 'replication.password').write_text('secret')
        for (sentinel, question), answer in answers.items():
            (directory / f'{sentinel}.{question}').write_text(answer)
        (directory / 'redis-cli').write_text('#!/bin/sh\nwhile [ "$1" != -h ]; do shift; done\n'
                                             f'exec cat "{directory}/$2.${{6:-$5}}" 2>/dev/null\n')
        (directory / 'redis-cli').chmod(0o755)
        return subprocess.run(['sh', '-c', f'. {self.FUNCTIONS}; {function}'], capture_output=True, text=True,
                              env={'PATH': f'{directory}:{os.environ["PATH"]}', 'MOTCUA_SENTINELS': 'a,b,c',
                                   'MOTCUA_SECRETS': str(directory)})

    @staticmethod
    def naming(sentinel, primary, epoch):
        return {(sentinel, 'get-master-addr-by-name'): f'{primary}\n6379\n',
                (sentinel, 'master'): f'name\nmotcua\nip\n{primary}\nconfig-epoch\n{epoch}\nquorum\n2\n'}

    def test_the_latest_promotion_counts(self):
        with tempfile.TemporaryDirectory() as directory:
            answers = self.naming('a', 'redis', 3) | self.naming('b', 'redis-2', 4) | self.naming('c', 'redis', 3)
            self.assertEqual(self.ask(directory, 'primary_named', answers).stdout, '4 redis-2 6379 b\n')

    def test_no_more_than_half_of_them_are_not_believed(self):
        with tempfile.TemporaryDirectory() as directory:
            asked = self.ask(directory, 'primary_named', self.naming('a', 'redis', 0))
            self.assertNotEqual(asked.returncode, 0)
            self.assertEqual(asked.stdout, '')
            self.assertEqual(self.ask(directory, 'primary_named', self.naming('c', 'redis', 0)).stdout, '0 redis 6379 a\n')

    def test_who_may_take_over(self):
        def replica(name, flags, priority):
            return f'name\n{name}:6379\nip\n{name}\nport\n6379\nflags\n{flags}\nslave-priority\n{priority}\n'
        with tempfile.TemporaryDirectory() as directory:
            answers = {('a', 'replicas'): replica('one', 'slave', 100) + replica('two', 's_down,slave', 100) +
                       replica('three', 'slave,disconnected', 100) + replica('four', 'slave', 100) +
                       replica('five', 'slave', 0) + replica('six', 'slave', 100)}
            # What Sentinel knows of a priority is old.
            for name, priority in (('one', 100), ('two', 100), ('three', 100), ('four', 0), ('five', 100)):
                answers[name, 'replication'] = f'# Replication\r\nrole:slave\r\nslave_priority:{priority}\r\n'
            self.assertEqual(self.ask(directory, 'replicas_of a', answers).stdout,
                             'one:6379 promotable\ntwo:6379 -\nthree:6379 -\nfour:6379 -\nfive:6379 promotable\nsix:6379 -\n')
            self.assertEqual(self.ask(directory, 'replicas_of b', {}).stdout, '')


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
