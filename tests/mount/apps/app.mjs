// An app that reads all of a project, by one of the clients beside it:
//
//   app.mjs CLIENT TABLE…
//
// What it is told is in APP_API_URL, APP_API_KEY, APP_EMAIL and APP_PASSWORD.
// It says when it is signed in, goes on when somebody presses Enter, and prints
// what it has found.

import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';

const [, , name, ...tables] = process.argv;
const { call, signIn, tablePath } = await import(`./${name}.mjs`);

// Page after page, as long as there are more.
async function all(path, query = {}) {
  const found = [];
  for (let page = 1, more = true; more; page++) {
    const { items, pagination } = await call(
      `${path}?${new URLSearchParams({ page, limit: 20, ...query })}`);
    found.push(...items);
    more = pagination.hasNext ?? pagination.hasNextPage;
  }
  return found;
}

async function download({ id }) {
  const { url } = await call(`/files/${id}/download-url`, { method: 'POST' });
  const answer = await fetch(url);
  if (!answer.ok) return null; // a file whose contents are gone
  return createHash('sha256').update(Buffer.from(await answer.arrayBuffer())).digest('hex');
}

async function refused(promise) {
  try {
    await promise;
    return null;
  } catch ({ status, code, message }) {
    return { status, code, message };
  }
}

async function read() {
  const found = { tables: {}, files: {} };
  // At once, as an app's first screen asks: also for what is not allowed any more.
  const [me, lists, files] = await Promise.all([
    call('/auth/me'),
    Promise.all(tables.map((table) => all(tablePath(table)))),
    all('/files'),
  ]);
  found.me = me.email;
  tables.forEach((table, i) => { found.tables[table] = lists[i].map(({ id }) => id); });
  for (const file of files) found.files[file.id] = await download(file);
  const [first] = lists[0];
  found.same = JSON.stringify(await call(`${tablePath(tables[0])}/${first.id}`))
    === JSON.stringify(first);
  found.greek = (await all(tablePath('posts'), {
    andFilters: JSON.stringify({ language: 'el' }), sortBy: 'createdAt', sortDirection: 'asc',
  })).map(({ id }) => id);
  found.missing = await refused(call(`${tablePath(tables[0])}/nobody`));
  found.write = await refused(call(tablePath(tables[0]), {
    method: 'POST', body: { title: 'new' },
  }));
  return found;
}

await signIn(process.env.APP_EMAIL, process.env.APP_PASSWORD);
console.log('signed in');
await new Promise((resolve) => createInterface({ input: process.stdin }).once('line', resolve));
console.log(JSON.stringify(await read()));
process.exit(0);
