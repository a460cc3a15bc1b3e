// postgres.js, which prepares every query and loads the types of arrays.

import { pathToFileURL } from 'node:url';
import { check } from './checks.mjs';

const { default: postgres } = await import(pathToFileURL(`${process.env.CLIENTS_NODE}/postgres/src/index.js`));
const sql = postgres({ max: 3, onnotice: () => {} });

await check('types', () => sql`SELECT * FROM events ORDER BY id LIMIT 2`);
await check('columns', async () => (await sql`SELECT * FROM orders LIMIT 0`).columns.map(({ name, type, number, table }) => [name, type, number, table > 0]));
await check('parameters', () => sql`SELECT total FROM orders WHERE order_id = ${7} AND user_id = ${8}`);
await check('list', () => sql`SELECT order_id FROM orders WHERE order_id IN ${sql([1, 2, 3])} ORDER BY 1`);
await check('array', () => sql`SELECT order_id FROM orders WHERE order_id = ANY(${[4, 5]}) ORDER BY 1`);
await check('arrays', () => sql`SELECT ARRAY[1, 2] AS a, ARRAY['x', NULL] AS b`);
await check('names', () => sql`SELECT ${sql('order_id')} FROM ${sql('orders')} ORDER BY 1 LIMIT 1`);
await check('cursor', async () => {
  let sum = 0;
  await sql`SELECT order_id FROM orders`.cursor(30, (rows) => { for (const row of rows) sum += row.order_id; });
  return sum;
});
await check('transaction', () => sql.begin('read only', async (inner) => [await inner`SELECT 1 AS a`, await inner.savepoint((point) => point`SELECT 2 AS b`)]));
await check('describe', async () => {
  const { types, columns } = await sql`SELECT total FROM orders WHERE order_id = ${1}`.describe();
  return [types, columns.map((column) => [column.name, column.type])];
});
await check('copy', async () => {
  let text = '';
  for await (const chunk of await sql`COPY (SELECT * FROM orders ORDER BY 1 LIMIT 2) TO STDOUT`.readable()) text += chunk;
  return text;
});
await check('simple', () => sql`SELECT 1 AS a; SELECT 2 AS b`.simple());
await check('error', () => sql`SELECT totl FROM orders`);
await check('cancel', async () => {
  const slow = sql`SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 1000000) b`.execute();
  setTimeout(() => slow.cancel(), 500);
  return await slow;
});
await sql.end();
