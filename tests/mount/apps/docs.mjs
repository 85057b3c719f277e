// The documentation's way: one fetch function, which hands out an answer's body
// as it is.

const API_URL = process.env.APP_API_URL;
const API_KEY = process.env.APP_API_KEY;

const tokens = { access: null, refresh: null };
let refreshing = null;

function keep(pair) {
  tokens.access = pair.accessToken;
  tokens.refresh = pair.refreshToken;
}

function send(path, { method = 'GET', body } = {}) {
  const headers = { 'X-API-Key': API_KEY };
  if (tokens.access) headers.Authorization = `Bearer ${tokens.access}`;
  if (body) headers['Content-Type'] = 'application/json';
  return fetch(`${API_URL}/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
}

async function refresh() {
  const answer = await send('/auth/refresh', {
    method: 'POST', body: { refreshToken: tokens.refresh },
  });
  if (!answer.ok) throw new Error('signed out');
  keep(await answer.json());
}

async function bkendFetch(path, options) {
  let answer = await send(path, options);
  if (answer.status === 401 && tokens.refresh) {
    refreshing ??= refresh().finally(() => { refreshing = null; });
    await refreshing;
    answer = await send(path, options);
  }
  const body = await answer.json();
  if (!answer.ok) {
    const problem = new Error(body.error?.message ?? body.message);
    problem.status = answer.status;
    problem.code = body.error?.code ?? body.error;
    throw problem;
  }
  return body;
}

export const call = bkendFetch;
export const tablePath = (table) => `/data/${table}`;

export async function signIn(email, password) {
  keep(await bkendFetch('/auth/email/signin', {
    method: 'POST', body: { method: 'password', email, password },
  }));
}
