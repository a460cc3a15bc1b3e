// Query builders and mappers on node-postgres: what they ask of the catalogue, and a query each.

import { check, load } from './checks.mjs';

const connection = { host: process.env.PGHOST, port: Number(process.env.PGPORT), user: process.env.PGUSER, database: process.env.PGDATABASE, password: 'x' };

{
  const knex = load('knex')({ client: 'pg', connection });
  await check('knex columns', () => knex('orders').columnInfo());
  await check('knex hasTable', async () => [await knex.schema.hasTable('orders'), await knex.schema.hasTable('nosuch'), await knex.schema.hasColumn('orders', 'total')]);
  await check('knex query', () => knex('orders').join('users', 'users.user_id', 'orders.user_id').where('order_id', '<', 4).orderBy('order_id').select('order_id', 'email', 'total'));
  await check('knex aggregate', () => knex('orders').groupBy('user_id').orderBy('user_id').limit(2).select('user_id').sum('total as s').count('* as n'));
  await knex.destroy();
}
{
  const { Sequelize, QueryTypes } = load('sequelize');
  const sequelize = new Sequelize({ dialect: 'postgres', logging: false, username: connection.user, ...connection });
  const queries = sequelize.getQueryInterface();
  await check('sequelize authenticate', () => sequelize.authenticate());
  await check('sequelize tables', async () => (await queries.showAllTables()).map((table) => table.tableName ?? table).sort());
  await check('sequelize describe', () => queries.describeTable('orders'));
  await check('sequelize indexes', () => queries.showIndex('orders'));
  await check('sequelize schemas', async () => (await queries.showAllSchemas()).filter((name) => ['sales'].includes(name)));
  await check('sequelize replacements', () => sequelize.query('SELECT total FROM orders WHERE order_id = :i', { replacements: { i: 3 }, type: QueryTypes.SELECT }));
  await sequelize.close();
}
{
  load('reflect-metadata');
  const { DataSource } = load('typeorm');
  const source = await new DataSource({ type: 'postgres', username: connection.user, ...connection, logging: false }).initialize();
  const runner = source.createQueryRunner();
  await check('typeorm tables', async () => (await runner.getTables(['orders', 'users'])).sort((a, b) => a.name < b.name ? -1 : 1).map((table) => [table.name, table.columns.map((column) => [column.name, column.type, column.isNullable, column.precision, column.scale])]));
  await check('typeorm query', () => source.query('SELECT total FROM orders WHERE order_id = $1', [3]));
  await runner.release();
  await source.destroy();
}
{
  const { Kysely, PostgresDialect } = load('kysely');
  const { Pool } = load('pg');
  const database = new Kysely({ dialect: new PostgresDialect({ pool: new Pool(connection) }) });
  await check('kysely tables', async () => (await database.introspection.getTables()).filter((table) => ['public', 'sales'].includes(table.schema)).sort((a, b) => a.name < b.name ? -1 : 1));
  await check('kysely query', () => database.selectFrom('orders').select(['order_id', 'total']).where('order_id', '=', 5).execute());
  await database.destroy();
}
