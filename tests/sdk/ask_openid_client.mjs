// openid-client, as its documentation has it: the steps of a client, and what came of each, as JSON.
import * as client from 'openid-client'
import { readFileSync } from 'node:fs'

const asked = JSON.parse(readFileSync(0, 'utf8'))
const secrets = { client_secret_basic: client.ClientSecretBasic, client_secret_post: client.ClientSecretPost }
const told = {}

async function refused(step) {
  try {
    await step()
  } catch (error) {
    return error.error ?? `${error.name}: ${error.message}`
  }
  return 'accepted'
}

function discover(algorithm, secret) {
  const options = { algorithm, execute: [client.allowInsecureRequests] }
  const authentication = secrets[asked.method](secret)
  return client.discovery(new URL(asked.issuer), asked.client_id, undefined, authentication, options)
}

const configurations = [await discover('oauth2', asked.client_secret), await discover('oidc', asked.client_secret)]
told.discovered = configurations.map((configuration) => configuration.serverMetadata().token_endpoint)
const [config] = configurations

const signIn = (password) => client.genericGrantRequest(config, 'password', { username: asked.username, password })
const isActive = async (token) => (await client.tokenIntrospection(config, token)).active

const mine = await client.clientCredentialsGrant(config)
const signedIn = await signIn(asked.code)
const refreshed = await client.refreshTokenGrant(config, signedIn.refresh_token)
told.scopes = [mine, signedIn, refreshed].map((answer) => answer.scope ?? null)
told.rotated = refreshed.refresh_token !== signedIn.refresh_token

const info = await client.fetchUserInfo(config, refreshed.access_token, client.skipSubjectCheck)
told.subjects = [asked.client_id, info.sub]
told.email = info.email

told.active = [await isActive(refreshed.access_token), await isActive(refreshed.refresh_token), await isActive('junk')]
await client.tokenRevocation(config, refreshed.refresh_token)
told.afterwards = [await isActive(refreshed.access_token), await isActive(refreshed.refresh_token)]

const impostor = await discover('oauth2', 'wrong')
told.refused = [
  await refused(() => signIn('wrong')),
  await refused(() => client.refreshTokenGrant(config, signedIn.refresh_token)),
  await refused(() => client.clientCredentialsGrant(config, { scope: 'nonsense' })),
  await refused(() => client.clientCredentialsGrant(impostor)),
]
console.log(JSON.stringify(told))
