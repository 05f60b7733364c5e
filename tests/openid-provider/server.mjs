// A foreign OpenID provider (panva's oidc-provider) on loopback, with its own login and consent pages.
// Usage: node server.mjs PORT CALLBACK_URL ID_TOKEN_SECONDS. Prints `ready ISSUER` when it listens.
import Provider from "oidc-provider";

const [port, callback, idTokenSeconds] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "agent identity",
      client_secret: "s3cret: with + and %",
      redirect_uris: [callback],
      grant_types: ["authorization_code", "refresh_token"],
      token_endpoint_auth_method: "client_secret_basic",
    },
  ],
  pkce: { required: () => true, methods: ["S256"] },
  claims: { openid: ["sub"], profile: ["name"], email: ["email"] },
  rotateRefreshToken: true,
  ttl: { IdToken: Number(idTokenSeconds), AccessToken: 3600 },
  features: { devInteractions: { enabled: true } },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, name: id, email: `${id}@example.test` }) }),
});
const server = provider.listen(Number(port), "127.0.0.1", () => console.log(`ready ${issuer}`));
process.on("SIGTERM", () => server.close(() => process.exit(0)));
