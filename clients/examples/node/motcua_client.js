// What every client of Motcua needs once: the contract, channels, deadlines, who asks, request ids, and reading an error.
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';

// The contract is read as it is, nothing is generated: MOTCUA_PROTO is the directory proto/, GOOGLEAPIS that of
// clients/examples/googleapis, with the types that error details are of.
const { MOTCUA_PROTO: PROTO, GOOGLEAPIS } = process.env;
const definitions = protoLoader.loadSync(
  [
    ...readdirSync(PROTO, { recursive: true }).filter((name) => /^motcua\/[a-z]+\/v1\/.*\.proto$/.test(name)),
    'google/rpc/status.proto',
    'google/rpc/error_details.proto',
  ],
  {
    includeDirs: [PROTO, GOOGLEAPIS],
    keepCase: true, // names as in the contract
    longs: String, // 64 bits do not fit in a Number
    enums: String,
    defaults: true,
    oneofs: true,
    json: true, // an Any is told as what it holds
  },
);
export const { motcua } = grpc.loadPackageDefinition(definitions);

// UNAVAILABLE is for the channel: the service is away for a moment, or has not yet heard of what another one did. The
// same message goes out again, with the same request_id, so nothing is done twice. ABORTED is not for the channel:
// somebody else was first; look again and decide again (see finish() in example.js).
const SERVICE_CONFIG = {
  methodConfig: [
    {
      name: [{}], // every method
      retryPolicy: {
        maxAttempts: 5,
        initialBackoff: '0.2s',
        maxBackoff: '2s',
        backoffMultiplier: 2,
        retryableStatusCodes: ['UNAVAILABLE'],
      },
    },
  ],
};

// How long a call may take, its retries included.
const DEADLINE_MS = 15_000;

/** A client of a service, whose host:port the environment variable holds. One for the whole process is enough. */
export function client(Service, variable) {
  const address = process.env[variable];
  if (!address) throw new Error(`set ${variable}=host:port`);
  return new Service(address, credentials(), { 'grpc.service_config': JSON.stringify(SERVICE_CONFIG) });
}

function credentials() {
  const { MOTCUA_TLS_CA: authority, MOTCUA_TLS_KEY: key, MOTCUA_TLS_CERT: certificate } = process.env;
  if (!authority) return grpc.credentials.createInsecure();
  const own = key && certificate ? [readFileSync(key), readFileSync(certificate)] : [];
  return grpc.credentials.createSsl(readFileSync(authority), ...own);
}

/** In whose name a call is made. */
function metadata(token) {
  const result = new grpc.Metadata({ waitForReady: true });
  result.set('authorization', `Bearer ${token}`);
  return result;
}

/** One call of a method; rejects with what grpc-js tells of an error. */
export function call(service, method, request, token) {
  return new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + DEADLINE_MS };
    service[method](request, metadata(token), options, (error, reply) => (error ? reject(error) : resolve(reply)));
  });
}

/**
 * A stream that the service has begun to serve: nothing that comes from now on is missed. A consumer that runs for ever sets
 * no deadline.
 */
export function open(service, method, request, token) {
  const stream = service[method](request, metadata(token), { deadline: Date.now() + DEADLINE_MS });
  return new Promise((resolve, reject) => {
    stream.once('metadata', () => resolve(stream));
    stream.once('error', reject);
  });
}

/** What a stream brings; who leaves the loop ends the call, which destroying a stream of grpc-js does not. */
export async function* messages(stream) {
  try {
    yield* stream;
  } finally {
    stream.on('error', () => {}); // CANCELLED, by ourselves
    stream.cancel();
  }
}

/** Made once for an action of the user, before the first attempt; every further attempt carries the same. */
export function newRequestId() {
  return randomUUID();
}

/** What an error says to programs and to people. */
export function refusal(error) {
  const result = {
    code: grpc.status[error.code],
    text: error.details, // English, for the log
    reason: '', // machine reason: a value of motcua.common.v1.Reason
    metadata: {},
    message: '', // Vietnamese, for the user
    violations: [], // google.rpc.BadRequest.FieldViolation, all at once, each with reason and Vietnamese text
    retryAfterSeconds: undefined,
  };
  const [bytes] = error.metadata?.get('grpc-status-details-bin') ?? [];
  if (!bytes) return result;
  for (const detail of definitions['google.rpc.Status'].deserialize(bytes).details) {
    switch (detail['@type'].split('/').pop()) {
      case 'google.rpc.ErrorInfo':
        Object.assign(result, { reason: detail.reason, metadata: detail.metadata });
        break;
      case 'google.rpc.BadRequest':
        result.violations = detail.field_violations;
        break;
      case 'google.rpc.LocalizedMessage':
        result.message = detail.message;
        break;
      case 'google.rpc.RetryInfo':
        result.retryAfterSeconds = Number(detail.retry_delay.seconds) + detail.retry_delay.nanos / 1e9;
        break;
    }
  }
  return result;
}
