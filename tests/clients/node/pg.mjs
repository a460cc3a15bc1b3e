// node-postgres with its cursor, stream and copy packages.

import { check, load } from './checks.mjs';

const { Client, Pool } = load('pg');
const Cursor = load('pg-cursor');
const QueryStream = load('pg-query-stream');
const { to: copyTo } = load('pg-copy-streams');

const client = new Client();
await client.connect();
const rows = async (text, values) => (await client.query(text, values)).rows;

await check('types', () => rows('SELECT * FROM events ORDER BY id LIMIT 2'));
await check('fields', async () => (await client.query('SELECT * FROM orders LIMIT 0')).fields.map((field) => [field.name, field.dataTypeID, field.dataTypeModifier, field.columnID, field.tableID > 0]));
for (const value of [1, 1.5, 'text', true, null, new Date(Date.UTC(2026, 0, 2)), [1, 2], { a: 1 }]) {
  await check(`parameter ${JSON.stringify(value)}`, () => rows('SELECT $1 AS v', [value]));
}
await check('parameters on a relation', () => rows('SELECT total FROM orders WHERE order_id = $1 AND total > $2', [7, 1.5]));
await check('prepared', async () => {
  const query = (i) => client.query({ name: 'by id', text: 'SELECT total FROM orders WHERE order_id = $1', values: [i] });
  return [(await query(1)).rows, (await query(2)).rows];
});
await check('array rows', async () => (await client.query({ text: 'SELECT 1, 2', rowMode: 'array' })).rows);
await check('several statements', async () => (await client.query('SELECT 1 AS a; SELECT 2 AS b')).map((result) => result.rows));
await check('cursor', async () => {
  const cursor = client.query(new Cursor('SELECT order_id FROM orders ORDER BY 1', []));
  const pages = [(await cursor.read(3)), (await cursor.read(2))];
  await cursor.close();
  return pages;
});
await check('stream', async () => {
  let sum = 0;
  for await (const row of client.query(new QueryStream('SELECT order_id FROM orders', [], { batchSize: 10 }))) sum += row.order_id;
  return sum;
});
await check('copy', async () => {
  let text = '';
  for await (const chunk of client.query(copyTo('COPY (SELECT * FROM orders ORDER BY 1 LIMIT 2) TO STDOUT'))) text += chunk;
  return text;
});
await check('error', () => rows('SELECT totl FROM orders'));
await check('error position', async () => {
  try {
    await rows('SELECT totl FROM orders');
  } catch (error) {
    return [error.severity, error.position];
  }
});
await check('transaction', async () => {
  await rows('BEGIN');
  const first = await rows('SELECT count(*) FROM orders');
  await rows('ROLLBACK');
  return first;
});
await check('pool', async () => {
  const pool = new Pool({ max: 5 });
  const results = await Promise.all(Array.from({ length: 30 }, (_, i) => pool.query('SELECT total FROM orders WHERE order_id = $1', [i + 1])));
  await pool.end();
  return results.map((result) => result.rows[0].total);
});
await client.end();
