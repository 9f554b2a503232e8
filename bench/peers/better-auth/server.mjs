// better-auth as its documentation sets it up, with what the bench compares: codes by email, bearer tokens, JWTs, API
// keys. Everything that would only cost it time here is off: limits, telemetry, logs below errors.
import cluster from "node:cluster";
import http from "node:http";
import net from "node:net";

import { apiKey } from "@better-auth/api-key";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import { bearer, emailOTP, jwt } from "better-auth/plugins";
import pg from "pg";

const { PORT, WORKERS, LINES_PORT, PGHOST } = process.env;

// One line on one connection for each code: the least that handing it over can cost.
let lines;
const options = {
  baseURL: `http://127.0.0.1:${PORT}`,
  secret: "only-for-the-bench-on-this-machine-0123456789",
  database: new pg.Pool({ host: PGHOST, port: 5432, user: "latchkey", database: "peer", max: 16 }),
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  logger: { level: "error" },
  plugins: [
    emailOTP({ sendVerificationOTP: async ({ email, otp }) => void lines.write(`${email} ${otp}\n`) }),
    bearer(),
    jwt(),
    apiKey({ rateLimit: { enabled: false } }),
  ],
};

async function prepare() {
  await (await getMigrations(options)).runMigrations();
  const auth = betterAuth(options);
  const { internalAdapter } = await auth.$context;
  const user = await internalAdapter.createUser({ email: "key@example.com", name: "", emailVerified: true });
  const { key } = await auth.api.createApiKey({ body: { userId: user.id } });
  return { api_key: key };
}

function serve() {
  lines = net.connect(Number(LINES_PORT), "127.0.0.1").setNoDelay();
  const auth = betterAuth(options);
  const handler = toNodeHandler(auth);
  http.createServer((request, response) => {
    if (request.url === "/verify-api-key") return verify(auth, request, response);
    return handler(request, response);
  }).listen(Number(PORT), "127.0.0.1");
}

// verifyApiKey is a function of the server's and has no route: this is the shortest one that it can have.
async function verify(auth, request, response) {
  const { valid } = await auth.api.verifyApiKey({ body: { key: request.headers.authorization.slice("Bearer ".length) } });
  const body = JSON.stringify({ valid });
  response.writeHead(valid ? 200 : 401, { "Content-Type": "application/json", "Content-Length": body.length }).end(body);
}

if (cluster.isPrimary) {
  const facts = await prepare();
  let listening = 0;
  cluster.on("listening", () => {
    listening += 1;
    if (listening === Number(WORKERS)) console.log(JSON.stringify(facts));
  });
  for (let number = 0; number < Number(WORKERS); number += 1) cluster.fork();
} else {
  serve();
}
