// Who calls. In an installation the identity provider issues a token to each officer who signs in; this file stands in for
// it with the signing key of a development system. Do not copy it.
import { sign } from 'node:crypto';
import { readFileSync } from 'node:fs';

const tokens = new Map();

/** The token of an agency's officer who has one role; named as in deploy/reference/officers.yaml. */
export function signIn(agency, role) {
  const id = `${agency}-${role}`;
  if (!tokens.has(id)) {
    const exp = Math.floor(Date.now() / 1000) + 3600;
    tokens.set(id, issue({ iss: 'motcua', aud: 'motcua', sub: id, kind: 'officer', agency, roles: [role], exp }));
  }
  return tokens.get(id);
}

function issue(claims) {
  const header = { alg: 'ES256', typ: 'JWT', kid: process.env.MOTCUA_SIGNING_KID };
  const text = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  const key = readFileSync(process.env.MOTCUA_SIGNING_KEY);
  return `${text}.${sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}
