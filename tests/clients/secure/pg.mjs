// node-postgres and its pool over TLS with a password.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { check, load } from '../node/checks.mjs';

const { Client, Pool } = load('pg');
const settings = (ca, more) => ({ host: 'localhost', ssl: { ca: readFileSync(ca), servername: 'localhost' }, ...more });
const own = (more) => settings(process.env.PGSSLROOTCERT, more);
// In another process: while it waits, this one must go on listening.
const control = (verb) => execFileSync('bash', ['secure/control.sh', verb]);

async function who(options) {
  const client = new Client(options);
  await client.connect();
  try {
    return (await client.query('SELECT current_user, current_database()')).rows;
  } finally {
    await client.end();
  }
}

await check('enter', () => who(own()));
await check('channel binding', () => who(own({ enableChannelBinding: true })));
await check('wrong password', () => who(own({ password: 'wrong' })));
await check('unknown user', () => who(own({ user: 'ghost' })));
await check('unknown database', () => who(own({ database: 'nosuch' })));
await check('in clear', () => who({ host: 'localhost', ssl: false }));
await check('foreign authority', () => who(settings(process.env.CLIENTS_FOREIGN_CA)));
for (const certificate of ['expired', 'elsewhere', 'valid']) {
  control(certificate);
  await check(`${certificate} certificate`, () => who(own()));
}
await check('rows', async () => {
  const client = new Client(own());
  await client.connect();
  const { rows } = await client.query('SELECT e.id, e.name, e.b, u.email FROM events e CROSS JOIN users u ORDER BY e.id, u.user_id');
  await client.end();
  return [rows.length, rows.at(-1)];
});
await check('cancel', async () => {
  const client = new Client(own());
  await client.connect();
  const { pid } = (await client.query('SELECT pg_backend_pid() AS pid')).rows[0];
  const other = new Client(own());
  await other.connect();
  setTimeout(() => other.query('SELECT pg_cancel_backend($1)', [pid]), 500);
  try {
    await client.query('SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 1000000) b');
  } catch (error) {
    return [error.code, (await client.query('SELECT 5 AS n')).rows];
  } finally {
    await other.end();
    await client.end();
  }
});
await check('restart', async () => {
  const client = new Client(own());
  const heard = new Promise((resolve) => client.on('error', resolve));
  await client.connect();
  control('restart');
  const error = await heard;
  return [error.code, error.message];
});
await check('pool', async () => {
  const pool = new Pool(own({ max: 3 }));
  let lost = 0;
  pool.on('error', () => { lost += 1; });
  const ask = () => Promise.all(Array.from({ length: 9 }, (_, i) => pool.query('SELECT count(*) FROM orders WHERE user_id = $1', [i])));
  const before = await ask();
  control('restart');
  const deadline = Date.now() + 30000;
  while (lost < 3 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
  const after = await ask();
  await pool.end();
  return [lost, before.map((it) => it.rows), after.map((it) => it.rows)];
});
