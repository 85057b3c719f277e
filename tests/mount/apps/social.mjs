// The social app's way: everything is in an envelope, the tokens of a refresh
// too, and what is not in one is an error.

export class Client {
  #base;
  #key;
  #tokens = null;
  #renewal = null;

  constructor(base, key) {
    this.#base = base.replace(/\/+$/, '').replace(/\/v1$/, '');
    this.#key = key;
  }

  async #exchange(method, path, body) {
    const answer = await fetch(new URL(`/v1${path}`, this.#base), {
      method,
      headers: {
        Accept: 'application/json',
        'X-API-Key': this.#key,
        ...(this.#tokens && { Authorization: `Bearer ${this.#tokens.accessToken}` }),
        ...(body && { 'Content-Type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    const { success, data, error } = await answer.json();
    if (success !== true) {
      throw Object.assign(new Error(error.message), { status: answer.status, code: error.code });
    }
    return data;
  }

  async #renew() {
    const { refreshToken } = this.#tokens;
    this.#tokens = null; // an expired one is not to be sent along
    const { accessToken, refreshToken: next } =
      await this.#exchange('POST', '/auth/refresh', { refreshToken });
    this.#tokens = { accessToken, refreshToken: next };
  }

  async signIn(email, password) {
    const { accessToken, refreshToken } = await this.#exchange(
      'POST', '/auth/email/signin', { method: 'password', email, password });
    this.#tokens = { accessToken, refreshToken };
  }

  async call(path, { method = 'GET', body } = {}) {
    if (this.#renewal) await this.#renewal;
    try {
      return await this.#exchange(method, path, body);
    } catch (error) {
      if (error.status !== 401 || !(this.#tokens || this.#renewal)) throw error;
      this.#renewal ??= this.#renew().finally(() => { this.#renewal = null; });
      await this.#renewal;
      return this.#exchange(method, path, body);
    }
  }
}

const client = new Client(process.env.APP_API_URL, process.env.APP_API_KEY);

export const call = (path, options) => client.call(path, options);
export const signIn = (email, password) => client.signIn(email, password);
export const tablePath = (table) => `/data/${table}`;
