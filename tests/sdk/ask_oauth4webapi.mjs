// oauth4webapi, as its documentation has it: the steps of a client, and what came of each, as JSON.
import * as oauth from 'oauth4webapi'
import { readFileSync } from 'node:fs'

const asked = JSON.parse(readFileSync(0, 'utf8'))
const plain = { [oauth.allowInsecureRequests]: true }
const issuer = new URL(asked.issuer)
const client = { client_id: asked.client_id }
const secrets = { client_secret_basic: oauth.ClientSecretBasic, client_secret_post: oauth.ClientSecretPost }
const authentication = secrets[asked.method](asked.client_secret)
const told = {}

async function refused(step) {
  try {
    await step()
  } catch (error) {
    return error.error ?? `${error.name}: ${error.message}`
  }
  return 'accepted'
}

const documents = []
for (const algorithm of ['oauth2', 'oidc']) {
  const response = await oauth.discoveryRequest(issuer, { algorithm, ...plain })
  documents.push(await oauth.processDiscoveryResponse(issuer, response))
}
told.discovered = documents.map((document) => document.token_endpoint)
const [server] = documents

async function own(parameters = {}, secret = authentication) {
  const response = await oauth.clientCredentialsGrantRequest(server, client, secret, parameters, plain)
  return oauth.processClientCredentialsResponse(server, client, response)
}

async function signIn(password) {
  const parameters = { username: asked.username, password }
  const response = await oauth.genericTokenEndpointRequest(server, client, authentication, 'password', parameters, plain)
  return oauth.processGenericTokenEndpointResponse(server, client, response)
}

async function refresh(token) {
  const response = await oauth.refreshTokenGrantRequest(server, client, authentication, token, plain)
  return oauth.processRefreshTokenResponse(server, client, response)
}

async function isActive(token) {
  const response = await oauth.introspectionRequest(server, client, authentication, token, plain)
  return (await oauth.processIntrospectionResponse(server, client, response)).active
}

async function validated(token) {
  const request = new Request(asked.issuer, { headers: { authorization: `Bearer ${token}` } })
  return (await oauth.validateJwtAccessToken(server, request, asked.issuer, plain)).sub
}

const mine = await own()
const signedIn = await signIn(asked.code)
const refreshed = await refresh(signedIn.refresh_token)
told.scopes = [mine, signedIn, refreshed].map((answer) => answer.scope ?? null)
told.rotated = refreshed.refresh_token !== signedIn.refresh_token
told.subjects = [await validated(mine.access_token), await validated(refreshed.access_token)]

const info = await oauth.userInfoRequest(server, client, refreshed.access_token, plain)
told.email = (await oauth.processUserInfoResponse(server, client, told.subjects[1], info)).email

told.active = [await isActive(refreshed.access_token), await isActive(refreshed.refresh_token), await isActive('junk')]
const revocation = await oauth.revocationRequest(server, client, authentication, refreshed.refresh_token, plain)
await oauth.processRevocationResponse(revocation)
told.afterwards = [await isActive(refreshed.access_token), await isActive(refreshed.refresh_token)]

told.refused = [
  await refused(() => signIn('wrong')),
  await refused(() => refresh(signedIn.refresh_token)),
  await refused(() => own({ scope: 'nonsense' })),
]
const wrong = secrets.client_secret_post('wrong')
told.refused.push(await refused(() => own({}, wrong)))
console.log(JSON.stringify(told))
