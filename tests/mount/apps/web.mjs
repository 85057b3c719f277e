// The web apps' way: an API client that takes the envelope off every answer,
// and a token store that refreshes past it and looks for the tokens outside.
// Its base URL ends in /v1, and tables are right below that.

const BASE = `${process.env.APP_API_URL}/v1`;
const KEY = process.env.APP_API_KEY;

class ApiError extends Error {
  constructor(status, body) {
    super(body?.error?.message ?? body?.message ?? `HTTP ${status}`);
    this.status = status;
    this.code = body?.error?.code;
  }
}

const store = {
  session: null,
  pending: null,

  set({ accessToken, refreshToken }) {
    if (!accessToken || !refreshToken) throw new Error('no tokens');
    this.session = { accessToken, refreshToken };
  },

  renew() {
    this.pending ??= (async () => {
      try {
        const answer = await fetch(`${BASE}/auth/refresh`, {
          method: 'POST',
          headers: { 'X-API-Key': KEY, 'Content-Type': 'application/json' },
          body: JSON.stringify({ refreshToken: this.session.refreshToken }),
        });
        const body = await answer.json();
        if (!answer.ok) throw new ApiError(answer.status, body);
        this.set(body);
      } finally {
        this.pending = null;
      }
    })();
    return this.pending;
  },
};

function unwrap(body) {
  return body && body.success === true && 'data' in body ? body.data : body;
}

export async function call(path, { method = 'GET', body } = {}, again = true) {
  const headers = new Headers({ 'X-API-Key': KEY });
  if (store.session) headers.set('Authorization', `Bearer ${store.session.accessToken}`);
  if (body !== undefined) headers.set('Content-Type', 'application/json');
  const answer = await fetch(BASE + path, {
    method, headers, body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (answer.status === 401 && store.session && again) {
    await store.renew();
    return call(path, { method, body }, false);
  }
  const text = await answer.text();
  const parsed = text ? JSON.parse(text) : null;
  if (!answer.ok) throw new ApiError(answer.status, parsed);
  return unwrap(parsed);
}

export const tablePath = (table) => `/${table}`;

export async function signIn(email, password) {
  store.set(await call('/auth/email/signin', {
    method: 'POST', body: { method: 'password', email, password },
  }, false));
}
